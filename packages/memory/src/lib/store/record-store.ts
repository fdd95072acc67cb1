import type { MemoryRecord, RecordStatus, StoredRecord, Tier } from './record.ts';

/** What varies between stores; read by the runtime and by the conformance suite. */
export interface RecordStoreCapabilities {
  readonly name: string;
  /** True when what was acknowledged survives the end of the process. */
  readonly durable: boolean;
  /** True when nothing readable reaches the disk. */
  readonly encrypted: boolean;
}

export interface VectorRow {
  readonly id: string;
  readonly model: string;
  readonly vector: Float32Array;
}

/** Work that outlives the process: `embed` a record, write a run's `history`, `digest` a run. */
export interface OutboxEntry {
  readonly id: string;
  readonly kind: 'embed' | 'history';
  readonly payload: string;
}

/** How many operations of a namespace a store keeps: five days of consolidating every six hours. */
export const keptOperations = 20;

/** What was there before a consolidation, so that it can be undone. */
export interface OperationRow {
  readonly id: string;
  readonly at: number;
  readonly kind: string;
  /** JSON: the operations and the records they replaced. */
  readonly payload: string;
  readonly undoneAt?: number;
}

/**
 * One atomic change of one namespace: everything happens or nothing. `put` inserts, or replaces the record with the same id.
 * A new record whose idempotency key is taken, or whose fingerprint was forgotten, is skipped and reported as such.
 */
export interface RecordBatch {
  readonly namespace: string;
  readonly put?: readonly MemoryRecord[];
  /** The marks of a record; one that was forgotten keeps it out. Called only when the store holds forgotten marks. */
  readonly fingerprintsOf?: (record: MemoryRecord) => readonly string[];
  readonly remove?: readonly string[];
  /** Fingerprints that may not come back. */
  readonly forget?: readonly string[];
  /** Lifts the ban on these fingerprints. */
  readonly allow?: readonly string[];
  readonly vectors?: readonly VectorRow[];
  readonly enqueue?: readonly OutboxEntry[];
  readonly dequeue?: readonly string[];
  readonly operation?: OperationRow;
  /** The change is refused with `GENIE_MEMORY_CONFLICT` when one of these records is no longer at that revision (0: must not exist). */
  readonly expect?: readonly { readonly id: string; readonly revision: number }[];
}

export type PutStatus = 'stored' | 'replaced' | 'duplicate' | 'forgotten';

export interface CommitReceipt {
  readonly revision: number;
  /** One for each record in `put`: what happened and the id that holds it now. */
  readonly results: readonly { readonly id: string; readonly status: PutStatus }[];
  readonly removed: number;
}

export interface RecordQuery {
  readonly namespace: string;
  readonly tiers?: readonly Tier[];
  readonly kinds?: readonly string[];
  readonly status?: readonly RecordStatus[];
  readonly source?: string;
  readonly subject?: string;
  readonly relation?: string;
  readonly runId?: string;
  /** Inclusive bounds on event time, or recorded time where there is none. */
  readonly between?: readonly [number, number];
  readonly order?: 'oldest' | 'newest';
  /** Continue after this `seq` in the chosen order. */
  readonly afterSeq?: number;
  readonly limit?: number;
}

export interface Changes {
  readonly records: readonly StoredRecord[];
  readonly removed: readonly string[];
  /** The revision up to which this answer is complete. */
  readonly revision: number;
}

export interface StoreStats {
  readonly revision: number;
  readonly records: number;
  readonly live: number;
  readonly vectors: number;
  readonly outbox: number;
  readonly forgotten: number;
  readonly sizeBytes: number;
  readonly namespaces: readonly string[];
}

/**
 * The truth. Called by everything in this package; indexes are derived from `changes`. Failures reject with a coded error:
 * `GENIE_MEMORY_CONFLICT`, `GENIE_MEMORY_CORRUPT`, `GENIE_MEMORY_CLOSED`, `GENIE_MEMORY_STORE`.
 */
export interface RecordStore {
  readonly capabilities: RecordStoreCapabilities;
  /** Random hex, made once with the store: names it for caches and keys the marks of forgotten records. */
  identity(): Promise<string>;
  /** Durable when it resolves. */
  commit(batch: RecordBatch, options?: { readonly signal?: AbortSignal }): Promise<CommitReceipt>;
  /** In the order of `ids`, without those that are not there. */
  get(namespace: string, ids: readonly string[]): Promise<readonly StoredRecord[]>;
  find(query: RecordQuery): Promise<readonly StoredRecord[]>;
  /** Everything that changed after `revision`, in order of revision, at most `limit` records. */
  changes(namespace: string, revision: number, limit: number): Promise<Changes>;
  /** The number of the last change in the namespace. Cheap: called before every recall. */
  revision(namespace: string): Promise<number>;
  vectors(namespace: string, model: string, options?: VectorQuery): Promise<readonly VectorRow[]>;
  countVectors(namespace: string, model: string): Promise<number>;
  /** In order of id. `kind` spares reading the others; a store may ignore it, callers go by what they get. */
  outbox(namespace: string, limit: number, kind?: OutboxEntry['kind']): Promise<readonly OutboxEntry[]>;
  operations(namespace: string, id?: string): Promise<readonly OperationRow[]>;
  stats(): Promise<StoreStats>;
  /** Problems found, in words; empty when all is well. Never throws for a damaged store. */
  verify(): Promise<readonly string[]>;
  /** Makes removed content unreadable on disk as well. Called after `forget`. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}

export interface VectorQuery {
  readonly ids?: readonly string[];
  readonly afterId?: string;
  readonly limit?: number;
}
