import type { JsonObject } from '@genie/core/ports';

/** Where a memory lives. `working` is a file and `history` a folder of logs; everything else is a record. */
export type Tier = 'core' | 'associative' | 'episodic' | 'proactive' | 'knowledge';

export const tiers: readonly Tier[] = ['core', 'associative', 'episodic', 'proactive', 'knowledge'];

/** `live` is recalled; `superseded` (a newer fact) and `merged` (a duplicate) stay as history and can be brought back. */
export type RecordStatus = 'live' | 'superseded' | 'merged';

/** One row of the truth. Times are epoch milliseconds; absent means unknown. */
export interface MemoryRecord {
  readonly id: string;
  readonly namespace: string;
  readonly tier: Tier;
  readonly kind: string;
  readonly text: string;
  readonly status: RecordStatus;
  /** 0 to 1. */
  readonly importance: number;
  /** 0 to 1. */
  readonly confidence: number;
  /** When the store learnt it. */
  readonly recordedAt: number;
  /** When the store stopped holding it for true. */
  readonly retiredAt?: number;
  readonly retiredBy?: string;
  /** When it happened. */
  readonly eventTime?: number;
  /** From when and until when (exclusive) it is true in the world. */
  readonly validFrom?: number;
  readonly validTo?: number;
  readonly subject?: string;
  /** The key of a core fact, the relation of a knowledge fact. */
  readonly relation?: string;
  /** The value of a fact. */
  readonly object?: string;
  readonly speaker?: string;
  readonly source?: string;
  readonly runId?: string;
  readonly step?: number;
  readonly idempotencyKey?: string;
  readonly data?: JsonObject;
}

/** A record as stored: its place in insertion order and the number of its last change. */
export interface StoredRecord extends MemoryRecord {
  /** Grows with every new record; never changes. Neighbours in `seq` were remembered one after the other. */
  readonly seq: number;
  /** Grows with every change in the store. */
  readonly revision: number;
}
