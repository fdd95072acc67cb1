import type { Approvals } from './approvals/approvals.ts';
import type { EventBus } from './events/bus.ts';
import type { RunEvent } from './events/genie-event.ts';
import type { RunHandle } from './genie.ts';
import { type ErrorRecord, GenieError, toErrorRecord } from './genie-error.ts';
import type { Journal, JournalRecord, RunJournal } from './journal/journal.ts';
import type { JsonObject } from './json.ts';
import { AbortGuard } from './loop/abort-guard.ts';
import { EventStream } from './loop/event-stream.ts';
import type { KeepOutput } from './loop/loop-context.ts';
import { noUsage } from './loop/replay.ts';
import type { ResolvedOptions } from './options.ts';
import { run } from './run.ts';
import type { RunQueue } from './run-queue.ts';
import type { Trigger } from './run-record.ts';
import type { RunDeps, RunOutcome, TriggeredRun } from './run-state.ts';

/** What all runs of a genie share. */
export interface RunStarter {
  readonly genieId: string;
  readonly options: ResolvedOptions;
  readonly journal: Journal;
  readonly approvals: Approvals;
  readonly events: EventBus;
  readonly queue: RunQueue;
  readonly keepOutput?: KeepOutput;
  readonly saveBriefing?: (runId: string, markdown: string) => Promise<void>;
}

export interface RunRequest {
  readonly runId: string;
  /** Undefined resumes: the journal knows what woke the run. */
  readonly trigger: Trigger | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Starts or resumes a run; everything that goes wrong ends in its outcome. */
export function startRun(starter: RunStarter, request: RunRequest): RunHandle {
  const stream = new EventStream<RunEvent>();
  const guard = new AbortGuard(request.signal);
  const counts = new Map<string, number>();
  const emit = (event: RunEvent): void => {
    counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
    stream.push(event);
    starter.events.emit(event);
  };
  const outcome = conduct(starter, request, { guard, emit, counts, stream })
    .catch((error: unknown) => failedOutcome(request.runId, toErrorRecord(error, 'GENIE_RUN_FAILED')))
    .finally(() => {
      guard.dispose();
      stream.end();
    });
  return {
    runId: request.runId,
    outcome,
    cancel: () => guard.interrupt('aborted'),
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
  };
}

interface RunWires {
  readonly guard: AbortGuard;
  readonly emit: (event: RunEvent) => void;
  readonly counts: ReadonlyMap<string, number>;
  readonly stream: EventStream<RunEvent>;
}

async function conduct(starter: RunStarter, request: RunRequest, wires: RunWires): Promise<RunOutcome> {
  // The caller may start iterating in this turn.
  await undefined;
  const { guard } = wires;
  // Cancelled while it waits, a run is still recorded, so that it can be resumed, and does no work.
  const hasTurn = await starter.queue.enter(guard.signal);
  let journal: RunJournal | undefined;
  try {
    journal = await starter.journal.open(request.runId);
    const closed = journal.recorded.at(-1);
    if (closed?.kind === 'closed') return closed.outcome as unknown as RunOutcome;
    const triggered = openRun(starter, request, journal, wires);
    return await run(toDeps(starter, journal, wires), triggered);
  } catch (error) {
    const record = toErrorRecord(error, 'GENIE_RUN_FAILED');
    const { clock } = starter.options;
    // The run that this one met goes on: nobody may take it for ended.
    if (record.code === 'GENIE_RUN_OPEN') return failedOutcome(request.runId, record);
    wires.emit({
      type: 'run.ended',
      at: clock.now(),
      source: 'core.run',
      runId: request.runId,
      status: 'failed',
      error: record,
    });
    return failedOutcome(request.runId, record);
  } finally {
    journal?.release();
    if (hasTurn) starter.queue.leave();
  }
}

function openRun(starter: RunStarter, request: RunRequest, journal: RunJournal, { emit }: RunWires): TriggeredRun {
  const { clock } = starter.options;
  const { runId, trigger } = request;
  const opened = journal.recorded[0];
  if (opened?.kind === 'opened') {
    const meta = opened.meta as unknown as { readonly trigger?: Trigger; readonly startedAt: number };
    if (!meta.trigger)
      throw new GenieError(
        'GENIE_RUN_UNKNOWN',
        `Run "${runId}" of this journal is no run of a genie. Go on with it where it was begun.`,
      );
    emit({ type: 'run.resumed', at: clock.now(), source: 'core.run', runId, ...countRecorded(journal.recorded) });
    return { runId, trigger: meta.trigger, startedAt: meta.startedAt };
  }
  if (!trigger) {
    throw new GenieError(
      'GENIE_RUN_UNKNOWN',
      `There is no run "${runId}" to resume. List runs with "genie show" or genie.journal.list().`,
    );
  }
  const startedAt = clock.now();
  const meta: JsonObject = {
    genieId: starter.genieId,
    goal: starter.options.goal,
    trigger: trigger as unknown as JsonObject,
    startedAt,
  };
  journal.append({ kind: 'opened', at: startedAt, meta });
  emit({ type: 'run.started', at: startedAt, source: 'core.run', runId, trigger, goal: starter.options.goal });
  return { runId, trigger, startedAt };
}

function countRecorded(records: readonly JournalRecord[]): {
  readonly recordedSteps: number;
  readonly recordedCalls: number;
} {
  return {
    recordedSteps: records.filter((record) => record.kind === 'answer').length,
    recordedCalls: records.filter((record) => record.kind === 'result').length,
  };
}

function toDeps(starter: RunStarter, journal: RunJournal, { guard, emit, counts, stream }: RunWires): RunDeps {
  const { options } = starter;
  const { raw } = options;
  return {
    genieId: starter.genieId,
    goal: options.goal,
    instructions: raw.instructions,
    sources: raw.sources ?? [],
    models: options.models,
    planning: options.planning,
    tools: options.tools,
    budget: options.budget,
    limits: options.limits,
    settings: raw.settings ?? {},
    wakeGate: raw.wakeGate,
    memory: raw.memory,
    metrics: raw.metrics,
    egress: raw.egress,
    approvals: starter.approvals,
    notifier: raw.notifier,
    clock: options.clock,
    run: journal,
    guard,
    emit,
    eventCounts: counts,
    isStreaming: () => stream.isRead,
    ready: () => stream.ready(),
    keepOutput: starter.keepOutput,
    saveBriefing: starter.saveBriefing,
  };
}

function failedOutcome(runId: string, error: ErrorRecord): RunOutcome {
  return {
    runId,
    status: 'failed',
    reason: error.message,
    claim: 'none',
    text: '',
    plan: [],
    steps: 0,
    usage: noUsage,
    error,
  };
}
