import type { ApprovalKind, ApprovalStatus } from '../approvals/approvals.ts';
import type { ErrorRecord } from '../genie-error.ts';
import type { JsonValue } from '../json.ts';
import type { KpiReading, RunVerdict } from '../ports/metrics.ts';
import type { Claim, Trigger, Usage } from '../run-record.ts';
import type { ToolEffect } from '../tool/tool.ts';

/** What every event carries. */
export interface EventBase<Type extends string> {
  readonly type: Type;
  /** Epoch ms. */
  readonly at: number;
  /** The module that emitted it, e.g. `core.loop`. */
  readonly source: string;
}

/** An event of one run. */
export interface OfRun<Type extends string> extends EventBase<Type> {
  readonly runId: string;
}

/** An event of one step of the tool loop. */
export interface OfStep<Type extends string> extends OfRun<Type> {
  /** 1 for the first model call of the loop. */
  readonly step: number;
}

/** An event of one tool call. */
export interface OfCall<Type extends string> extends OfStep<Type> {
  readonly callId: string;
  readonly tool: string;
}

/** The eight phases of a run, in order. */
export type PhaseName = 'wake' | 'remember' | 'plan' | 'execute' | 'measure' | 'memorize' | 'report' | 'sleep';

/** How a run ended. `waiting` runs go on with `resume` after the user decided. */
export type RunStatus = 'completed' | 'skipped' | 'waiting' | 'failed' | 'cancelled';

export type BudgetLimit = 'steps' | 'tokens' | 'usd' | 'time';

/** Why a loop stopped. */
export type FinishReason =
  | 'stop'
  | 'stop-condition'
  | 'length'
  | 'content-filter'
  | 'budget'
  | 'repeat'
  | 'aborted'
  | 'waiting'
  | 'model-error'
  | 'tool-error'
  | 'journal-error';

/** What the tool loop emits. */
export type LoopEvent =
  | (OfStep<'step.started'> & { readonly modelId: string })
  | (OfStep<'text.delta'> & { readonly text: string })
  | (OfStep<'reasoning.delta'> & { readonly text: string })
  | (OfStep<'step.completed'> & { readonly usage: Usage; readonly costUsd?: number; readonly toolCalls: number })
  | (OfCall<'tool.called'> & { readonly input: JsonValue; readonly effect: ToolEffect })
  | (OfCall<'tool.progress'> & { readonly message: string; readonly fraction?: number })
  | (OfCall<'tool.completed'> & { readonly output: JsonValue; readonly tookMs: number })
  | (OfCall<'tool.failed'> & { readonly error: ErrorRecord; readonly tookMs: number })
  | (OfStep<'model.failed'> & { readonly error: ErrorRecord; readonly willRetry: boolean })
  | (OfStep<'budget.exceeded'> & {
      readonly limit: BudgetLimit;
      readonly used: number;
      readonly allowed: number;
    })
  | (OfStep<'repeat.detected'> & { readonly tool: string; readonly times: number; readonly stops: boolean })
  | (OfStep<'context.trimmed'> & { readonly droppedMessages: number; readonly estimatedTokens: number })
  | (OfRun<'approval.requested'> & {
      readonly approvalId: string;
      readonly kind: ApprovalKind;
      readonly title: string;
      readonly callId?: string;
    })
  | (OfRun<'approval.decided'> & {
      readonly approvalId: string;
      readonly status: ApprovalStatus;
      readonly by?: string;
    })
  | (OfStep<'loop.finished'> & {
      readonly reason: FinishReason;
      readonly usage: Usage;
      readonly costUsd?: number;
      readonly error?: ErrorRecord;
    });

/** What a run emits: the loop's events and the phases around them. */
export type RunEvent =
  | LoopEvent
  | (OfRun<'run.started'> & { readonly trigger: Trigger; readonly goal: string })
  | (OfRun<'run.resumed'> & { readonly recordedSteps: number; readonly recordedCalls: number })
  | (OfRun<'run.ended'> & { readonly status: RunStatus; readonly error?: ErrorRecord })
  | (OfRun<'phase.started'> & { readonly phase: PhaseName })
  | (OfRun<'phase.completed'> & { readonly phase: PhaseName; readonly tookMs: number })
  | (OfRun<'gate.decided'> & { readonly wake: boolean; readonly reason: string })
  | (OfRun<'plan.created'> & { readonly steps: readonly string[]; readonly modelId: string })
  | (OfRun<'memory.recalled'> & { readonly items: number; readonly tookMs: number })
  | (OfRun<'memory.stored'> & { readonly stored: number; readonly queued: number })
  | (OfRun<'kpi.observed'> & { readonly reading: KpiReading })
  | (OfRun<'outcome.judged'> & { readonly outcome: RunVerdict['outcome']; readonly claim: Claim })
  | (OfRun<'briefing.delivered'> & { readonly title: string; readonly items: number; readonly deliveries: number });

/** Every event of a genie: runs, and what happens between them. The catalogue holds a schema for each. */
export type GenieEvent =
  | RunEvent
  | (EventBase<'schedule.fired'> & { readonly dueAt: number; readonly lateMs: number })
  | (EventBase<'schedule.missed'> & {
      readonly dueAt: number;
      readonly lateMs: number;
      readonly action: 'skipped' | 'run';
    })
  | (EventBase<'schedule.recommended'> & { readonly cron: string; readonly reason: string })
  | (EventBase<'model.switched'> & { readonly from: string; readonly to: string; readonly reason: string })
  | (EventBase<'network.changed'> & { readonly state: 'online' | 'offline' | 'captive' | 'degraded' })
  | (EventBase<'egress.allowed'> & { readonly host: string; readonly port: number; readonly rule: string })
  | (EventBase<'egress.blocked'> & { readonly host: string; readonly port: number; readonly reason: string })
  | (EventBase<'home.taken-over'> & { readonly previousPid: number; readonly generation: number });

export type GenieEventType = GenieEvent['type'];
export type EventOf<Type extends GenieEventType> = Extract<GenieEvent, { readonly type: Type }>;

/** Where packages put their events. Never throws. */
export type EventSink = (event: GenieEvent) => void;
