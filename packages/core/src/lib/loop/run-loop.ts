import { randomUUID } from 'node:crypto';
import type { Approvals } from '../approvals/approvals.ts';
import { checkLimits } from '../check-options.ts';
import type { LoopEvent } from '../events/genie-event.ts';
import { GenieError } from '../genie-error.ts';
import type { Journal, RunJournal } from '../journal/journal.ts';
import type { JsonObject } from '../json.ts';
import type { AnyLanguageModel, ModelPrice } from '../model/language-model.ts';
import { upgradeOlderSpec } from '../model/upgrade-older-spec.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import type { EgressPort } from '../ports/egress.ts';
import type { MemoryPort } from '../ports/memory.ts';
import { toToolbox } from '../tool/to-toolbox.ts';
import type { Tool, Toolbox } from '../tool/tool.ts';
import { AbortGuard } from './abort-guard.ts';
import { type BudgetOptions, checkBudget } from './budget.ts';
import { driveLoop } from './drive-loop.ts';
import { EventStream } from './event-stream.ts';
import type { KeepOutput, LoopContext, LoopLimits, ModelSettings, StopCondition } from './loop-context.ts';
import type { LoopResult } from './loop-finish.ts';
import { workedBefore } from './replay.ts';
import { callSafely } from './safe-listener.ts';
import { TimeLimit } from './time-limit.ts';
import type { LoopMessage } from './transcript.ts';

export interface LoopOptions {
  /** Any model of the AI SDK provider contract. */
  readonly model: AnyLanguageModel;
  readonly system?: string;
  /** What the user wants; or `messages`. */
  readonly prompt?: string;
  readonly messages?: readonly LoopMessage[];
  // biome-ignore lint/suspicious/noExplicitAny: a list of tools with different argument types has no other common type.
  readonly tools?: readonly Tool<any, any>[] | Toolbox;
  /** Ends the loop after a step whose results are in. */
  readonly stopWhen?: StopCondition | readonly StopCondition[];
  readonly budget?: BudgetOptions;
  readonly price?: ModelPrice;
  readonly limits?: Partial<LoopLimits>;
  readonly settings?: ModelSettings;
  /** With a journal every step is recorded, and the same `runId` goes on where it stopped. */
  readonly journal?: Journal;
  readonly runId?: string;
  readonly genieId?: string;
  readonly approvals?: Approvals;
  readonly egress?: EgressPort;
  readonly memory?: MemoryPort;
  readonly keepOutput?: KeepOutput;
  readonly signal?: AbortSignal;
  /** `auto` streams when somebody iterates the handle. */
  readonly stream?: 'auto' | boolean;
  /**
   * Gets every event as it happens, deltas included. Iterating then yields what happens from the first `next` on. One that
   * throws harms nobody: the first time is a process warning with the code `GENIE_EVENT_LISTENER`.
   */
  readonly onEvent?: (event: LoopEvent) => void;
  readonly clock?: Clock;
}

/** A running loop. Iterate it for events, await `result` for the end; both, one or none. */
export interface LoopHandle extends AsyncIterable<LoopEvent> {
  readonly runId: string;
  /** Never rejects: what goes wrong is in `finish`. */
  readonly result: Promise<LoopResult>;
}

const defaultLimits: LoopLimits = {
  modelTimeoutMs: 600_000,
  maxOutputCharacters: 100_000,
  faultTolerance: 1,
  contextTokens: Number.POSITIVE_INFINITY,
  approvalWaitMs: 0,
};

/**
 * The tool loop alone, without a home: calls the model, runs the tools it asks for, and goes on until it answers
 * without calls, a budget is spent, the user has to decide, or the signal aborts.
 *
 * Throws at once for misuse: `GENIE_LOOP_OPTIONS`, `GENIE_OPTIONS` (a limit), `GENIE_MODEL_INVALID`, `GENIE_BUDGET_INVALID`, `GENIE_TOOL_INVALID`.
 */
export function runLoop(options: LoopOptions): LoopHandle {
  const start = readStart(options);
  const runId = options.runId ?? `loop_${randomUUID()}`;
  const events = new EventStream<LoopEvent>();
  const context = createContext(options, runId, events);
  const result = startLoop(options, context, start).then((ended) => {
    events.end();
    return ended;
  });
  return { runId, result, [Symbol.asyncIterator]: () => events[Symbol.asyncIterator]() };
}

function createContext(options: LoopOptions, runId: string, events: EventStream<LoopEvent>): LoopContext {
  const model = upgradeOlderSpec(options.model);
  const budget = { steps: 1_000, ...options.budget };
  checkBudget(budget, options.price);
  checkLimits(options.limits);
  const { stream = 'auto' } = options;
  const onEvent = options.onEvent && callSafely(options.onEvent);
  const clock = options.clock ?? systemClock;
  return {
    runId,
    genieId: options.genieId ?? 'loop',
    model,
    price: options.price,
    settings: options.settings ?? {},
    tools: toToolbox(options.tools ?? []),
    budget,
    limits: { ...defaultLimits, ...options.limits },
    stopWhen: joinConditions(options.stopWhen),
    clock,
    approvals: options.approvals,
    egress: options.egress,
    memory: options.memory,
    run: undefined,
    keepOutput: options.keepOutput,
    guard: new AbortGuard(options.signal),
    emit: onEvent
      ? (event) => {
          // Who listens here has had the event; keeping it for a reader that may never come would cost memory.
          if (events.isRead) events.push(event);
          onEvent(event);
        }
      : (event) => events.push(event),
    isStreaming: stream === 'auto' ? () => events.isRead : () => stream,
    ready: () => events.ready(),
  };
}

async function startLoop(
  options: LoopOptions,
  context: LoopContext,
  start: readonly LoopMessage[],
): Promise<LoopResult> {
  // Gives the caller the rest of this turn to start iterating: whether to stream is decided by that.
  await undefined;
  const { journal } = options;
  if (!journal) return runWithTimeLimit(context, start);
  let run: RunJournal;
  try {
    run = await journal.open(context.runId);
  } catch (error) {
    return failedBeforeStart(context, error);
  }
  try {
    const opened = run.recorded[0];
    const messages = opened?.kind === 'opened' ? recordedStart(opened.meta, context.runId) : start;
    if (!opened)
      run.append({
        kind: 'opened',
        at: context.clock.now(),
        meta: { loop: true, messages: start as unknown as JsonObject[] },
      });
    const ended = await runWithTimeLimit({ ...context, run }, messages);
    closeRun(run, context, ended);
    return ended;
  } catch (error) {
    return failedBeforeStart(context, error);
  } finally {
    run.release();
  }
}

function recordedStart({ messages }: JsonObject, runId: string): readonly LoopMessage[] {
  if (Array.isArray(messages)) return messages as unknown as readonly LoopMessage[];
  const message = `Run "${runId}" of this journal was not begun by runLoop. Take another runId, or resume it with its genie.`;
  throw new GenieError('GENIE_RUN_UNKNOWN', message);
}

/** A loop that will not go on is a closed run: it is listed with its end, and compaction may drop it. */
function closeRun(run: RunJournal, { clock }: LoopContext, { finish, text, steps, usage }: LoopResult): void {
  const { reason } = finish;
  if (reason === 'aborted' || reason === 'waiting' || reason === 'journal-error') return;
  if (run.recorded.at(-1)?.kind === 'closed') return;
  const status = reason === 'stop' || reason === 'stop-condition' ? 'completed' : 'failed';
  const outcome = { text, steps, usage: { ...usage }, finish: finish as unknown as JsonObject };
  try {
    run.append({ kind: 'closed', at: clock.now(), status, outcome });
  } catch {
    // The end is recorded already; the run is only not closed yet.
  }
}

/** Drives the loop under its time budget, then lets go of its guard. Shared with the execute phase of a genie. */
export async function runWithTimeLimit(context: LoopContext, start: readonly LoopMessage[]): Promise<LoopResult> {
  const { budget, guard, run } = context;
  const timeLimit =
    budget.timeMs === undefined ? undefined : new TimeLimit(context, budget.timeMs - workedBefore(run?.recorded ?? []));
  timeLimit?.start();
  try {
    return await driveLoop(timeLimit ? { ...context, timeLimit } : context, start);
  } finally {
    timeLimit?.pause();
    guard.dispose();
  }
}

async function failedBeforeStart(context: LoopContext, error: unknown): Promise<LoopResult> {
  const journalError = GenieError.isInstance(error)
    ? error
    : new GenieError('GENIE_JOURNAL_FAILED', String(error), { cause: error });
  const failing: LoopContext = { ...context, run: undefined, budget: {} };
  failing.guard.dispose();
  const finish = { reason: 'journal-error', error: journalError.toJSON() } as const;
  context.emit({
    type: 'loop.finished',
    at: context.clock.now(),
    source: 'core.loop',
    runId: context.runId,
    step: 0,
    reason: finish.reason,
    error: finish.error,
    usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, modelCalls: 0 },
  });
  return {
    text: '',
    steps: 0,
    usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, modelCalls: 0 },
    finish,
    calls: [],
  };
}

function readStart(options: LoopOptions): readonly LoopMessage[] {
  const messages: LoopMessage[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  if (options.prompt !== undefined) messages.push({ role: 'user', content: options.prompt });
  for (const message of options.messages ?? []) messages.push(readMessage(message));
  if (!messages.some((message) => message.role !== 'system')) {
    throw new GenieError(
      'GENIE_LOOP_OPTIONS',
      'A loop needs something to work on: pass "prompt" (a text) or "messages".',
    );
  }
  return messages;
}

function readMessage(message: LoopMessage): LoopMessage {
  const { role } = message;
  // The AI SDK's prompts carry text in parts; they are accepted too.
  const content: unknown = message.content;
  const text = Array.isArray(content)
    ? content.map((part: { text?: unknown }) => (typeof part?.text === 'string' ? part.text : '')).join('')
    : content;
  if (typeof text !== 'string' || (role !== 'user' && role !== 'assistant' && role !== 'system')) {
    throw new GenieError(
      'GENIE_LOOP_OPTIONS',
      `A message is { role: "system" | "user" | "assistant", content: "text" }; received role ${JSON.stringify(role)}.`,
    );
  }
  return { role, content: text };
}

function joinConditions(conditions: LoopOptions['stopWhen']): StopCondition | undefined {
  if (conditions === undefined || typeof conditions === 'function') return conditions;
  return async (state) => {
    for (const condition of conditions) if (await condition(state)) return true;
    return false;
  };
}
