import type { Approvals } from './approvals/approvals.ts';
import type { RunEvent, RunStatus } from './events/genie-event.ts';
import type { ErrorRecord } from './genie-error.ts';
import type { RunJournal } from './journal/journal.ts';
import type { JsonObject } from './json.ts';
import type { AbortGuard } from './loop/abort-guard.ts';
import type { BudgetOptions } from './loop/budget.ts';
import type { KeepOutput, LoopLimits, ModelSettings } from './loop/loop-context.ts';
import type { LoopFinish } from './loop/loop-finish.ts';
import type { LanguageModel, ModelPrice } from './model/language-model.ts';
import type { Clock } from './ports/clock.ts';
import type { EgressPort } from './ports/egress.ts';
import type { MemoryPort } from './ports/memory.ts';
import type { MetricsPort, RunVerdict } from './ports/metrics.ts';
import type { NotifierPort } from './ports/notifier.ts';
import type { Briefing, Claim, Source, ToolCallSummary, Trigger, Usage } from './run-record.ts';
import type { Toolbox } from './tool/tool.ts';
import type { WakeGate } from './wake-gate.ts';

/** A model with its price, as the phases use it. */
export interface PricedModel {
  readonly model: LanguageModel;
  readonly price: ModelPrice | undefined;
}

/** What all phases work with. Made for one run by {@link createGenie}. */
export interface RunDeps {
  readonly genieId: string;
  readonly goal: string;
  readonly instructions: string | undefined;
  readonly sources: readonly Source[];
  readonly models: { readonly planning: PricedModel; readonly execution: PricedModel };
  readonly planning: 'none' | 'once' | 'every-run';
  readonly tools: Toolbox;
  readonly budget: BudgetOptions;
  readonly limits: LoopLimits;
  readonly settings: ModelSettings;
  readonly wakeGate: WakeGate | undefined;
  readonly memory: MemoryPort | undefined;
  readonly metrics: MetricsPort | undefined;
  readonly egress: EgressPort | undefined;
  readonly approvals: Approvals;
  readonly notifier: NotifierPort | undefined;
  readonly clock: Clock;
  readonly run: RunJournal;
  readonly guard: AbortGuard;
  readonly emit: (event: RunEvent) => void;
  readonly eventCounts: ReadonlyMap<string, number>;
  readonly isStreaming: () => boolean;
  readonly ready: () => Promise<void> | undefined;
  readonly keepOutput: KeepOutput | undefined;
  /** Puts a briefing where the user finds it; undefined without a home. */
  readonly saveBriefing: ((runId: string, markdown: string) => Promise<void>) | undefined;
}

/** A run that was asked for. */
export interface TriggeredRun {
  readonly runId: string;
  readonly trigger: Trigger;
  /** Epoch ms. */
  readonly startedAt: number;
}

export interface AwakeRun extends TriggeredRun {
  readonly gate: {
    readonly wake: boolean;
    readonly reason: string /** Kept for the next gate when the run succeeds. */;
    readonly state?: JsonObject;
  };
}

export interface RememberingRun extends AwakeRun {
  readonly memory: { readonly stable: string; readonly volatile: string };
  /** Where each source was read up to, by `kind:location`. */
  readonly cursors: Readonly<Record<string, string>>;
  readonly storedPlan: readonly string[] | undefined;
}

export interface PlannedRun extends RememberingRun {
  readonly plan: readonly string[];
  readonly planUsage: Usage;
  readonly planCostUsd: number;
}

export interface ExecutedRun extends PlannedRun {
  readonly text: string;
  readonly claim: Claim;
  readonly briefing: Briefing | undefined;
  readonly finish: LoopFinish;
  readonly steps: number;
  readonly usage: Usage;
  readonly costUsd: number | undefined;
  readonly toolCalls: readonly ToolCallSummary[];
  /** Cursors the tools returned. */
  readonly newCursors: Readonly<Record<string, string>>;
  readonly endedAt: number;
}

export interface MeasuredRun extends ExecutedRun {
  readonly verdict: RunVerdict | undefined;
}

export interface MemorizedRun extends MeasuredRun {
  readonly stored: number;
}

export interface ReportedRun extends MemorizedRun {
  readonly deliveries: number;
}

/** How a run ended. Never thrown, always returned. */
export interface RunOutcome {
  readonly runId: string;
  readonly status: RunStatus;
  /** In words: why it was skipped, waits or failed. */
  readonly reason: string;
  readonly claim: Claim;
  readonly verdict?: RunVerdict;
  readonly briefing?: Briefing;
  readonly text: string;
  readonly plan: readonly string[];
  readonly steps: number;
  readonly usage: Usage;
  readonly costUsd?: number;
  /** For `waiting`: what the user has to decide. */
  readonly approvalIds?: readonly string[];
  readonly error?: ErrorRecord;
}
