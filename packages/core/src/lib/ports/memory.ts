import type { JsonValue } from '../json.ts';
import type { RunRecord } from '../run-record.ts';

/** A thing to keep. `text` is stored as given and stays searchable. */
export interface MemoryItemInput {
  readonly id?: string;
  readonly text: string;
  readonly kind?: string;
  /** When it happened: ISO 8601 or epoch ms. */
  readonly eventTime?: string | number;
  readonly speaker?: string;
  readonly source?: string;
  /** 0 to 1. */
  readonly importance?: number;
  readonly namespace?: string;
  /** A second `remember` with the same key is a no-op that returns the first id. */
  readonly idempotencyKey?: string;
}

export interface RecalledItem {
  readonly id: string;
  readonly text: string;
  /** Higher is better; comparable within one answer only. */
  readonly score: number;
  /** Named parts of the score. */
  readonly why: Readonly<Record<string, number>>;
  readonly provenance: Readonly<Record<string, string | number | undefined>>;
}

export interface RecallOptions {
  readonly k?: number;
  readonly kinds?: readonly string[];
  readonly namespace?: string;
  readonly tokenBudget?: number;
  readonly signal?: AbortSignal;
}

export interface RecallAnswer {
  readonly items: readonly RecalledItem[];
  readonly tookMs: number;
  /** Why the answer is weaker than it could be, e.g. no embedder. */
  readonly degraded?: string;
}

/** What memory puts in front of a run. */
export interface Enrichment {
  /** Changes rarely; comes first so that providers can cache the prefix. */
  readonly stable: string;
  /** Depends on this run. */
  readonly volatile: string;
  readonly items: readonly RecalledItem[];
}

export interface EnrichRequest {
  readonly runId: string;
  readonly genieId: string;
  readonly goal: string;
  /** The user's message or the trigger's text. */
  readonly query: string;
  readonly tokenBudget: number;
}

export interface LearnReceipt {
  /** Memories written by this call; 0 when the run was learnt before. */
  readonly stored: number;
  /** Work that goes on in the background. */
  readonly queued: number;
}

/** Small state between runs (`working.json`): cursors, recent findings. Values are replaced whole. */
export interface WorkingMemory {
  get(key: string): Promise<JsonValue | undefined>;
  /** Durable when it resolves. */
  set(key: string, value: JsonValue): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Called by the remember and memorize phases and by the memory tools. Failures reject with a coded error. */
export interface MemoryPort {
  /** Remember phase, before planning. May be slow-ish, never writes. */
  enrich(request: EnrichRequest, options?: { readonly signal?: AbortSignal }): Promise<Enrichment>;
  /** Memorize phase. Idempotent by `runId`. */
  learn(run: RunRecord, options?: { readonly signal?: AbortSignal }): Promise<LearnReceipt>;
  remember(
    items: MemoryItemInput | readonly MemoryItemInput[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly { readonly id: string }[]>;
  recall(query: string, options?: RecallOptions): Promise<RecallAnswer>;
  readonly working: WorkingMemory;
  close(): Promise<void>;
}
