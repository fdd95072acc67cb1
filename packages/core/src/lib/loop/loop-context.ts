import type { Approvals } from '../approvals/approvals.ts';
import type { LoopEvent } from '../events/genie-event.ts';
import type { RunJournal } from '../journal/journal.ts';
import type { LanguageModel, ModelCallOptions, ModelPrice } from '../model/language-model.ts';
import type { Clock } from '../ports/clock.ts';
import type { EgressPort } from '../ports/egress.ts';
import type { MemoryPort } from '../ports/memory.ts';
import type { Usage } from '../run-record.ts';
import type { Toolbox } from '../tool/tool.ts';
import type { AbortGuard } from './abort-guard.ts';
import type { BudgetOptions } from './budget.ts';
import type { TimeLimit } from './time-limit.ts';
import type { CallOutcome } from './transcript.ts';

/** Settings of a model call that the loop passes through. */
export type ModelSettings = Pick<
  ModelCallOptions,
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'seed'
  | 'maxOutputTokens'
  | 'stopSequences'
  | 'reasoning'
  | 'toolChoice'
  | 'responseFormat'
  | 'providerOptions'
  | 'headers'
>;

export interface LoopLimits {
  /** A call to the model that takes longer is given up. Default 600,000. */
  readonly modelTimeoutMs: number;
  /** A tool result beyond this many characters is cut (and kept whole where `keepOutput` puts it). Default 100,000. */
  readonly maxOutputCharacters: number;
  /** How often in a row a tool may fail in the same way before the loop ends. Default 1: the model hears of it once. */
  readonly faultTolerance: number;
  /** Prompt size at which the oldest steps are left out. Default unlimited. */
  readonly contextTokens: number;
  /** How long a call waits in this process for the user's decision before the run is put aside. Default 0. */
  readonly approvalWaitMs: number;
}

/** What a stop condition sees, after the tool results of a step. */
export interface LoopState {
  /** Model calls so far. */
  readonly steps: number;
  readonly text: string;
  readonly usage: Usage;
  readonly costUsd: number;
}

export type StopCondition = (state: LoopState) => boolean | Promise<boolean>;

/** A tool call with its outcome, as the result of a loop lists it. */
export interface LoopCall {
  readonly step: number;
  readonly callId: string;
  readonly tool: string;
  /** Arguments as the model wrote them. */
  readonly input: string;
  readonly outcome: CallOutcome;
  /** The result as text. */
  readonly outputText: string;
  readonly tookMs: number;
}

/** Keeps a result that was too long for the model; returns the name under which it can be read again. */
export type KeepOutput = (call: { readonly runId: string; readonly callId: string }, text: string) => Promise<string>;

/** Everything a loop works with, resolved and checked. */
export interface LoopContext {
  readonly runId: string;
  readonly genieId: string;
  readonly model: LanguageModel;
  readonly price: ModelPrice | undefined;
  readonly settings: ModelSettings;
  readonly tools: Toolbox;
  readonly budget: BudgetOptions;
  readonly timeLimit?: TimeLimit | undefined;
  /** Spent before the loop began, e.g. on planning. Counts against the budget and in the result. */
  readonly spent?: { readonly usage: Usage; readonly costUsd: number };
  readonly limits: LoopLimits;
  readonly stopWhen: StopCondition | undefined;
  readonly clock: Clock;
  readonly approvals: Approvals | undefined;
  readonly egress: EgressPort | undefined;
  readonly memory: MemoryPort | undefined;
  readonly run: RunJournal | undefined;
  readonly keepOutput: KeepOutput | undefined;
  readonly guard: AbortGuard;
  readonly emit: (event: LoopEvent) => void;
  /** True when somebody reads deltas, so that streaming is worth it. */
  readonly isStreaming: () => boolean;
  /** Back-pressure of that reader. */
  readonly ready: () => Promise<void> | undefined;
}
