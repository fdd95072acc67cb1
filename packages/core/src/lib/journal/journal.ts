import type { FinishReason, PhaseName, RunStatus } from '../events/genie-event.ts';
import type { ErrorRecord } from '../genie-error.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { Usage } from '../run-record.ts';

/** A part of a recorded model answer. `metadata` is the provider's own (signatures of reasoning, cache ids) and goes back to it. */
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string; readonly metadata?: JsonObject }
  | { readonly type: 'reasoning'; readonly text: string; readonly metadata?: JsonObject }
  | {
      readonly type: 'call';
      readonly id: string;
      readonly tool: string;
      /** The arguments as the model wrote them: JSON text, possibly broken. */
      readonly input: string;
      readonly metadata?: JsonObject;
    };

/**
 * What a run writes: one delta record per completed model answer, tool call and phase; never the state.
 * Format version 1. Old versions stay readable (see `fixtures/`).
 */
export type JournalRecord =
  /** First record of a run. */
  | { readonly kind: 'opened'; readonly at: number; readonly meta: JsonObject }
  /** A phase is done; `output` is its delta to the state. */
  | { readonly kind: 'phase'; readonly phase: PhaseName; readonly at: number; readonly output: JsonObject }
  /** A completed model answer. */
  | {
      readonly kind: 'answer';
      readonly step: number;
      readonly at: number;
      readonly content: readonly AnswerPart[];
      readonly finish: string;
      readonly usage: Usage;
      readonly costUsd?: number;
      /** Work of the loop up to here, waiting left out. Written under a time budget, so that a resumed run goes on counting. */
      readonly workedMs?: number;
    }
  /** A `once` call is about to start (`started`), or is known not to have happened (`not-done`). */
  | { readonly kind: 'intent'; readonly callId: string; readonly state: 'started' | 'not-done' }
  /** A tool call has an outcome. */
  | {
      readonly kind: 'result';
      readonly callId: string;
      readonly status: 'completed' | 'failed' | 'denied';
      readonly output?: JsonValue;
      readonly error?: ErrorRecord;
      readonly tookMs: number;
    }
  /** The run sleeps until the user decides. */
  | { readonly kind: 'suspended'; readonly at: number; readonly approvalIds: readonly string[] }
  /** The tool loop stopped for this reason; a resumed run does not go on with it. */
  | { readonly kind: 'finished'; readonly at: number; readonly reason: FinishReason; readonly error?: ErrorRecord }
  /** Last record of a run. */
  | { readonly kind: 'closed'; readonly at: number; readonly status: RunStatus; readonly outcome: JsonObject };

export interface JournalCapabilities {
  /** What a settled record survives: `memory` nothing, `process` kill -9, `power` a power cut. */
  readonly durability: 'memory' | 'process' | 'power';
}

/** The records of one run, open for writing. One writer at a time. */
export interface RunJournal {
  readonly runId: string;
  /** What was recorded before this opening, in order. Empty for a new run. */
  readonly recorded: readonly JournalRecord[];
  /** Called after every step. Returns at once; order is kept. Throws `GENIE_JOURNAL_FAILED` once the journal cannot write any more. */
  append(record: JournalRecord): void;
  /**
   * Called before a side effect and before a run reports its end. Resolves when everything appended so far has the
   * declared durability; `undefined` means it already has. Rejects with `GENIE_JOURNAL_FAILED`.
   */
  settled(): Promise<void> | undefined;
  /** Called when the run ends or is put aside. Idempotent. */
  release(): void;
}

export interface JournalRun {
  readonly runId: string;
  readonly status: 'open' | 'closed' | 'damaged';
  /** Epoch ms; 0 when the first record is lost. */
  readonly openedAt: number;
  readonly meta: JsonObject;
  readonly closed?: { readonly at: number; readonly status: RunStatus; readonly outcome: JsonObject };
}

export interface CompactOptions {
  /** Keep at least this many closed runs, newest first. Default 1,000. */
  readonly keepClosedRuns?: number;
  /** Drop closed runs older than this. Default 90 days. */
  readonly maxAgeMs?: number;
}

/** Where runs are recorded. Implemented in memory and in files here, by Postgres in the adapters. */
export interface Journal {
  readonly capabilities: JournalCapabilities;
  /**
   * Called at the start and at the resumption of a run. Rejects with `GENIE_RUN_OPEN` while another holder has the run
   * and with `GENIE_JOURNAL_DAMAGED` when records in the middle of the run are lost.
   */
  open(runId: string): Promise<RunJournal>;
  /** Every known run, oldest first. */
  list(): Promise<readonly JournalRun[]>;
  /** The records of a run, for inspection. Empty when unknown. */
  read(runId: string): Promise<readonly JournalRecord[]>;
  /** Drops closed runs by policy; open and suspended runs stay. Returns how many runs went. */
  compact(options?: CompactOptions): Promise<number>;
  /** Writes what is pending. Idempotent. */
  close(): Promise<void>;
}
