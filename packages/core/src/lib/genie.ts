import type { Approval, Approvals } from './approvals/approvals.ts';
import type { Proposal } from './creation/proposal.ts';
import type { EventBus } from './events/bus.ts';
import type { RunEvent } from './events/genie-event.ts';
import type { TelemetryTracer } from './events/telemetry-tracer.ts';
import type { ErrorRecord } from './genie-error.ts';
import type { Journal } from './journal/journal.ts';
import type { BudgetOptions } from './loop/budget.ts';
import type { LoopLimits, ModelSettings } from './loop/loop-context.ts';
import type { AnyLanguageModel, ModelPrice } from './model/language-model.ts';
import type { Clock } from './ports/clock.ts';
import type { EgressPort } from './ports/egress.ts';
import type { Ids } from './ports/ids.ts';
import type { MemoryPort } from './ports/memory.ts';
import type { MetricsPort } from './ports/metrics.ts';
import type { NotifierPort } from './ports/notifier.ts';
import type { Source, Trigger } from './run-record.ts';
import type { RunOutcome } from './run-state.ts';
import type { ScheduleRecommendation } from './schedule/recommend.ts';
import type { ScheduleOptions } from './schedule/schedule.ts';
import type { Tool, Toolbox } from './tool/tool.ts';
import type { WakeGate } from './wake-gate.ts';

export interface GenieOptions {
  /** What the genie pursues, in the user's words. */
  readonly goal: string;
  /** One model for planning and execution; or `models`. */
  readonly model?: AnyLanguageModel;
  readonly models?: { readonly planning: AnyLanguageModel; readonly execution: AnyLanguageModel };
  /** USD for a million tokens; needed for `budget.usd` and for costs in reports. */
  readonly prices?: { readonly planning?: ModelPrice; readonly execution?: ModelPrice };
  /** Folder of the genie. Without one nothing outlives the process. */
  readonly home?: string;
  /** 1 to 128 letters, digits, `_`, `.`, `:`, `@`, `/` or `-`. Default: the home's, else a new one. */
  readonly id?: string;
  /** Standing instructions beside the goal. */
  readonly instructions?: string;
  readonly sources?: readonly Source[];
  // biome-ignore lint/suspicious/noExplicitAny: a list of tools with different argument types has no other common type.
  readonly tools?: readonly Tool<any, any>[] | Toolbox;
  readonly memory?: MemoryPort;
  readonly metrics?: MetricsPort;
  readonly egress?: EgressPort;
  /** Default: files in the home, else in memory. */
  readonly approvals?: Approvals;
  /** Default: files in the home, else in memory. */
  readonly journal?: Journal;
  readonly notifier?: NotifierPort;
  readonly schedule?: ScheduleOptions;
  /** Default: 100 steps. */
  readonly budget?: BudgetOptions;
  readonly limits?: Partial<LoopLimits>;
  readonly settings?: ModelSettings;
  /** Default `once` with `models`, `none` with a single `model`. */
  readonly planning?: 'none' | 'once' | 'every-run';
  readonly wakeGate?: WakeGate;
  /** Runs at the same time. Default 1 with a home (one pass after the other), unlimited without. */
  readonly concurrentRuns?: number;
  /** Checks every event against its schema: for development. */
  readonly validateEvents?: boolean;
  /** `trace.getTracer('genie')` of `@opentelemetry/api`: spans with the GenAI names. Nothing is traced without. */
  readonly telemetry?: TelemetryTracer;
  readonly onWarning?: (warning: ErrorRecord) => void;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** A running run. Iterate it for events, await `outcome` for the end; both, one or none. */
export interface RunHandle extends AsyncIterable<RunEvent> {
  readonly runId: string;
  /** Never rejects. */
  readonly outcome: Promise<RunOutcome>;
  /** Stops the run within 50 ms; `resume` takes it up again. */
  cancel(): void;
}

/** A recommended schedule and the approval that decides on it. */
export interface ScheduleAdvice {
  readonly recommendation: ScheduleRecommendation;
  readonly approval: Approval;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Makes a trigger idempotent: the same id is run once, whatever happens. Default: a new id. */
  readonly runId?: string;
}

/** What may change while a genie lives: everything that only a run looks at. */
export type GenieUpdate = Partial<
  Pick<
    GenieOptions,
    | 'instructions'
    | 'sources'
    | 'tools'
    | 'model'
    | 'models'
    | 'prices'
    | 'planning'
    | 'budget'
    | 'limits'
    | 'settings'
    | 'wakeGate'
    | 'schedule'
  >
>;

/** A long-lived agent with one goal. Nothing starts before `run`, `chat`, `start` or `recover` is called. */
export interface Genie {
  readonly id: string;
  readonly goal: string;
  readonly events: EventBus;
  readonly approvals: Approvals;
  readonly journal: Journal;
  /** One pass of the harness. Throws `GENIE_OPTIONS` for a trigger of no known form, `GENIE_CLOSED` after `close`. */
  run(trigger?: Trigger, options?: RunOptions): RunHandle;
  /** Goes on with a run at the first step without a recorded result. A finished run returns its outcome. */
  resume(runId: string, options?: { readonly signal?: AbortSignal }): RunHandle;
  /** Resumes every unfinished run of this home, oldest first. */
  recover(): Promise<readonly RunHandle[]>;
  /** A run with the user's message. */
  chat(text: string, options?: { readonly signal?: AbortSignal }): RunHandle;
  /**
   * Other options from the next run on, without a restart; runs under way keep theirs. A schedule counts at once. Throws what
   * `createGenie` throws for options that cannot work, and then changes nothing.
   */
  update(changes: GenieUpdate): Promise<void>;
  /** Analyses the goal: container, schedule, models, tools, domains, KPIs, cost. Each part becomes an approval. */
  propose(options?: { readonly signal?: AbortSignal }): Promise<Proposal>;
  /**
   * Wakes by the schedule from now on, and makes up for what was missed. Rejects with `GENIE_SCHEDULE_MISSING` (no schedule
   * or no home), `GENIE_SCHEDULE_INVALID`, `GENIE_SCHEDULE_STORE`. `keepAlive` keeps the process alive until `stop`.
   */
  start(options?: { readonly keepAlive?: boolean }): Promise<void>;
  /** Stops waking. Running runs go on. */
  stop(): Promise<void>;
  /**
   * Learns from the runs of this genie when it should wake, and puts that before the user as an approval. Undefined while there
   * is too little to learn from, or nothing to gain. Rejects with `GENIE_SCHEDULE_MISSING` without a schedule.
   */
  recommendSchedule(): Promise<ScheduleAdvice | undefined>;
  /** When the next wake is due, epoch ms; undefined while stopped. */
  nextWake(): number | undefined;
  /** Cancels what runs, and closes what this genie opened itself. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
