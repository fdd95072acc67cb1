import type {
  Enrichment,
  EnrichRequest,
  JsonObject,
  JsonValue,
  LearnReceipt,
  MemoryItemInput,
  MemoryPort,
  RecallAnswer,
  RecalledItem,
  RecallOptions,
  RunRecord,
  WorkingMemory,
} from '@genie/core/ports';
import type { CipherOptions } from './cipher/key-file.ts';
import type { RecordStatus, StoredRecord, Tier } from './store/record.ts';
import type { PutStatus, StoreStats } from './store/record-store.ts';

/** ISO 8601 or epoch milliseconds. */
export type TimeInput = string | number;

export interface WithSignal {
  readonly signal?: AbortSignal;
}

export interface MemoryInput extends MemoryItemInput {
  /** Default `associative`. Facts have their own calls: `core.set` and `knowledge.assert`. */
  readonly tier?: Exclude<Tier, 'core' | 'knowledge'>;
  readonly confidence?: number;
  readonly runId?: string;
  readonly step?: number;
  readonly data?: JsonObject;
  /** Remembers it again although the same text of the same source was forgotten. */
  readonly restore?: boolean;
}

export interface Remembered {
  readonly id: string;
  /** `duplicate`: the same was there already. `forgotten`: it was forgotten once and is not stored. */
  readonly status: PutStatus;
}

export interface MemoryRecallOptions extends RecallOptions {
  readonly speakers?: readonly string[];
  /** Only what happened between these two (inclusive); memories without an event time count by when they were learnt. */
  readonly between?: readonly [TimeInput, TimeInput];
  /** What the memory held for true at that moment. */
  readonly asOf?: TimeInput;
  /** What "last week" in the query is relative to. */
  readonly now?: TimeInput;
  /** Adds the memories right before and after each found one to `neighbours`. Default 0. */
  readonly neighbours?: number;
  readonly explain?: boolean;
}

export interface Recalled extends RecalledItem {
  readonly kind: string;
  readonly tier: Tier;
  readonly neighbours?: readonly { readonly id: string; readonly text: string }[];
}

export interface MemoryAnswer extends RecallAnswer {
  readonly items: readonly Recalled[];
}

/** A statement about a subject, true in the world from `validFrom` until `validTo`. */
export interface Fact {
  readonly id: string;
  readonly subject: string;
  readonly key: string;
  readonly value: string;
  readonly confidence: number;
  readonly validFrom?: number;
  readonly validTo?: number;
  readonly recordedAt: number;
  readonly retiredAt?: number;
  readonly source?: string;
  readonly runId?: string;
  readonly step?: number;
}

export interface FactOptions extends WithSignal {
  readonly namespace?: string;
  readonly validFrom?: TimeInput;
  readonly validTo?: TimeInput;
  readonly confidence?: number;
  readonly source?: string;
  readonly runId?: string;
  readonly step?: number;
  readonly idempotencyKey?: string;
}

export interface FactQuery extends WithSignal {
  readonly namespace?: string;
  /** What the store held for true at that moment (recorded time). */
  readonly asOf?: TimeInput;
  /** What was true in the world at that moment (valid time). */
  readonly at?: TimeInput;
}

/** Keyed facts that are in front of every run. The subject is the user unless named. */
export interface CoreTier {
  get(key: string, query?: FactQuery): Promise<string | undefined>;
  /** A different value supersedes the present one and keeps it as history. The same value is a no-op. */
  set(key: string, value: string, options?: FactOptions): Promise<Fact>;
  delete(key: string, options?: FactOptions): Promise<boolean>;
  list(query?: FactQuery): Promise<readonly Fact[]>;
  /** Every value the key ever had, oldest first. */
  history(key: string, query?: FactQuery): Promise<readonly Fact[]>;
}

export interface KnowledgeInput extends FactOptions {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
  /** The relation may hold several objects at once (`knows`, `owns`). Default false: a new object supersedes. */
  readonly many?: boolean;
}

export interface KnowledgeTier {
  assert(fact: KnowledgeInput): Promise<Fact>;
  /** Facts about a subject, or with a relation; live ones unless `asOf` says otherwise. */
  query(
    pattern: { readonly subject?: string; readonly relation?: string; readonly object?: string } & FactQuery,
  ): Promise<readonly Fact[]>;
  /** Pairs of statements that cannot both hold: same subject and relation, different objects, overlapping times. Both stay stored. */
  contradictions(query?: FactQuery): Promise<readonly { readonly older: Fact; readonly newer: Fact }[]>;
}

export interface Pattern {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly confidence: number;
  /** Epoch ms at which it is worth acting on. */
  readonly dueAt?: number;
  readonly lastDetectedAt: number;
}

export interface PatternTier {
  list(options?: { readonly namespace?: string } & WithSignal): Promise<readonly Pattern[]>;
  /** Patterns whose due time has come by `now` (default: the clock). */
  due(options?: { readonly namespace?: string; readonly now?: TimeInput } & WithSignal): Promise<readonly Pattern[]>;
  add(
    pattern: { readonly kind: string; readonly text: string; readonly confidence: number; readonly dueAt?: TimeInput },
    options?: { readonly namespace?: string } & WithSignal,
  ): Promise<Pattern>;
}

export interface Episode {
  readonly id: string;
  readonly runId: string;
  readonly summary: string;
  readonly entities: readonly string[];
  readonly endedAt: number;
  readonly items: readonly string[];
}

export interface EpisodeTier {
  /** Newest first. */
  recent(limit?: number, options?: { readonly namespace?: string } & WithSignal): Promise<readonly Episode[]>;
  count(options?: { readonly namespace?: string } & WithSignal): Promise<number>;
}

export interface HistoryTier {
  list(options?: WithSignal): Promise<readonly { readonly runId: string; readonly sizeBytes: number }[]>;
  read(runId: string, options?: WithSignal): Promise<JsonValue | undefined>;
}

/** A searchable collection of its own: documents for one genie, one project, one topic. Shares nothing with other namespaces. */
export interface RagNamespace {
  readonly namespace: string;
  /** Splits at paragraphs; chunks of one document are neighbours. */
  add(document: {
    readonly id?: string;
    readonly text: string;
    readonly source?: string;
    readonly eventTime?: TimeInput;
  }): Promise<readonly Remembered[]>;
  query(query: string, options?: Omit<MemoryRecallOptions, 'namespace'>): Promise<MemoryAnswer>;
  forget(
    selector: Omit<ForgetSelector, 'namespace'>,
    options?: { readonly dryRun?: boolean } & WithSignal,
  ): Promise<ForgetReceipt>;
}

export interface ForgetSelector {
  readonly ids?: readonly string[];
  readonly id?: string;
  /** Everything whose text holds all words of the query. */
  readonly query?: string;
  readonly source?: string;
  readonly between?: readonly [TimeInput, TimeInput];
  readonly subject?: string;
  readonly runId?: string;
  readonly namespace?: string;
  /** Everything in the namespace. */
  readonly all?: boolean;
}

export interface ForgetReceipt {
  readonly receiptId: string;
  readonly dryRun: boolean;
  readonly ids: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly at: number;
  /** True when the bytes on disk were overwritten already; otherwise that happens at the next consolidation, scrub or close. */
  readonly scrubbed: boolean;
}

export interface PrunePolicy extends WithSignal {
  readonly namespace?: string;
  /** Removes retired facts and merged duplicates whose retirement is older. */
  readonly retiredOlderThanMs?: number;
  /** Removes memories of these kinds that are older. Needs `kinds`: nothing is pruned by age alone. */
  readonly olderThanMs?: number;
  readonly kinds?: readonly string[];
  /** Only memories below this importance. */
  readonly importanceBelow?: number;
  readonly dryRun?: boolean;
}

export interface ConsolidateOptions extends WithSignal {
  readonly namespace?: string;
  /** Stops starting new work after this long. Default 5,000. */
  readonly budgetMs?: number;
  /** A summary that keeps less than this share of the key terms of its sources is refused. Default 0.8. */
  readonly lossBound?: number;
  /** Writes a summary of texts. Without it, consolidation is extractive. */
  readonly summarise?: (texts: readonly string[], options: WithSignal) => Promise<string>;
}

export interface ConsolidateReceipt {
  /** Undo with `rollBack(operationId)`. Undefined when nothing changed. */
  readonly operationId?: string;
  readonly merged: number;
  readonly patterns: number;
  readonly rescored: number;
  readonly summaries: number;
  readonly embedded: number;
  /** Proposals that were refused, with the reason. */
  readonly refused: readonly string[];
  readonly tookMs: number;
  /** False when the budget ended first; the next call goes on. */
  readonly complete: boolean;
}

export interface MemoryStats extends StoreStats {
  readonly byTier: Readonly<Record<string, number>>;
  readonly waitingForEmbedding: number;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly problems: readonly string[];
}

export interface ListOptions extends WithSignal {
  readonly namespace?: string;
  readonly status?: readonly RecordStatus[];
  readonly limit?: number;
  readonly afterSeq?: number;
  readonly order?: 'oldest' | 'newest';
}

/** Everything a genie remembers. Errors carry codes `GENIE_MEMORY_…`; see docs/memory.md. */
export interface Memory extends MemoryPort, AsyncDisposable {
  remember(items: MemoryInput | readonly MemoryInput[], options?: WithSignal): Promise<readonly Remembered[]>;
  recall(query: string, options?: MemoryRecallOptions): Promise<MemoryAnswer>;
  enrich(request: EnrichRequest, options?: WithSignal & { readonly namespace?: string }): Promise<Enrichment>;
  learn(run: RunRecord, options?: WithSignal & { readonly namespace?: string }): Promise<LearnReceipt>;
  consolidate(options?: ConsolidateOptions): Promise<ConsolidateReceipt>;
  /** Undoes a consolidation as far as its records were not changed since. Returns how many records were restored. */
  rollBack(operationId: string, options?: WithSignal & { readonly namespace?: string }): Promise<number>;
  prune(policy: PrunePolicy): Promise<{ readonly removed: number }>;
  /** Builds every index again from the records. */
  reindex(options?: WithSignal): Promise<void>;
  verify(): Promise<VerifyReport>;
  forget(selector: ForgetSelector, options?: { readonly dryRun?: boolean } & WithSignal): Promise<ForgetReceipt>;
  /** Records of a tier (`core`, `associative`, …) or of a kind, oldest first unless asked otherwise. */
  list(kind?: string, options?: ListOptions): Promise<readonly StoredRecord[]>;
  get(id: string, options?: WithSignal & { readonly namespace?: string }): Promise<StoredRecord | undefined>;
  /** JSON lines: a header, then one record each. */
  export(options?: WithSignal & { readonly namespace?: string }): AsyncIterable<string>;
  import(
    lines: Iterable<string> | AsyncIterable<string>,
    options?: WithSignal,
  ): Promise<{ readonly stored: number; readonly skipped: number }>;
  /** Encrypted memories only: everything under a new key and passphrase. The old passphrase opens nothing afterwards. */
  rotateKey(next: CipherOptions): Promise<void>;
  stats(): Promise<MemoryStats>;
  readonly working: WorkingMemory;
  readonly core: CoreTier;
  readonly episodes: EpisodeTier;
  readonly patterns: PatternTier;
  readonly knowledge: KnowledgeTier;
  readonly history: HistoryTier;
  rag(namespace: string): RagNamespace;
}
