import { ApprovalRequiredError } from '../approvals/approval-required.ts';
import { toErrorRecord } from '../genie-error.ts';
import type { JsonValue } from '../json.ts';
import type { Tool } from '../tool/tool.ts';
import { interrupted } from './abort-guard.ts';
import { CallContext } from './call-context.ts';
import type { CallPart } from './call-model.ts';
import type { LoopCall, LoopContext } from './loop-context.ts';
import { type PreparedCall, prepareCall } from './prepare-call.ts';
import type { RecordedStep } from './replay.ts';
import { type StoredOutcome, storeOutput } from './store-output.ts';
import type { CallOutcome } from './transcript.ts';

/** The calls of one step: what is finished, in call order, and what waits for the user. */
export interface StepCalls {
  readonly finished: readonly LoopCall[];
  /** Calls that cannot go on before the user decided. */
  readonly waiting: readonly WaitingCall[];
}

export interface WaitingCall {
  readonly callId: string;
  readonly approvalIds: readonly string[];
  /** True when the tool itself found out that it has to ask. Nothing happened yet. */
  readonly began: boolean;
}

type CallEnd = LoopCall | { readonly waiting: WaitingCall };

/** Most tools answer at once; a promise (and an async function around it) is made only for those that do not. */
type Maybe<Value> = Value | Promise<Value>;

interface StepOfCalls {
  readonly number: number;
  readonly calls: readonly CallPart[];
}

/**
 * Runs the calls of one answer in parallel and reports them in call order. Calls with a recorded result are not made
 * again. Throws or rejects only with `interrupted` and when the journal fails.
 */
export function callTools(loop: LoopContext, step: StepOfCalls, recorded: RecordedStep | undefined): Maybe<StepCalls> {
  const [only] = step.calls;
  if (!only || step.calls.length > 1) return callInParallel(loop, step, recorded);
  const toStepCalls = (end: CallEnd): StepCalls => {
    if ('waiting' in end) return { finished: [], waiting: [end.waiting] };
    report(loop, end, recorded);
    return { finished: [end], waiting: [] };
  };
  const end = callTool(loop, step.number, only, recorded);
  return end instanceof Promise ? end.then(toStepCalls) : toStepCalls(end);
}

async function callInParallel(
  loop: LoopContext,
  step: StepOfCalls,
  recorded: RecordedStep | undefined,
): Promise<StepCalls> {
  const ends: (CallEnd | undefined)[] = new Array(step.calls.length);
  let reported = 0;
  await allSettled(
    step.calls.map(async (call, index) => {
      ends[index] = await callTool(loop, step.number, call, recorded);
      for (let end = ends[reported]; end; end = ends[reported]) {
        if (!('waiting' in end)) report(loop, end, recorded);
        reported += 1;
      }
    }),
  );
  const finished: LoopCall[] = [];
  const waiting: WaitingCall[] = [];
  for (const end of ends) {
    if (!end) continue;
    if ('waiting' in end) waiting.push(end.waiting);
    else finished.push(end);
  }
  return { finished, waiting };
}

/** Waits for all, then rejects with the first rejection: no call is left running behind the loop's back. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

function callTool(loop: LoopContext, step: number, call: CallPart, recorded: RecordedStep | undefined): Maybe<CallEnd> {
  const known = recorded?.results.get(call.id);
  if (known) return { step, callId: call.id, tool: call.tool, input: call.input, ...known };
  const prepared = prepareCall(loop, step, call, recorded?.intents.get(call.id));
  if (prepared instanceof Promise)
    return loop.guard.race(prepared).then((ready) => callPrepared(loop, step, call, ready));
  return callPrepared(loop, step, call, prepared);
}

function callPrepared(loop: LoopContext, step: number, call: CallPart, prepared: PreparedCall): Maybe<CallEnd> {
  switch (prepared.state) {
    case 'waiting':
      return { waiting: { callId: call.id, approvalIds: prepared.approvalIds, began: false } };
    case 'refused':
      return settle(loop, step, call, prepared.outcome, 0);
    case 'ready':
      return execute(loop, step, call, prepared);
    default:
      return prepared satisfies never;
  }
}

type ReadyCall = Extract<PreparedCall, { state: 'ready' }>;

function execute(loop: LoopContext, step: number, call: CallPart, ready: ReadyCall): Maybe<CallEnd> {
  const { run, guard } = loop;
  const { effect } = ready.tool;
  if (run && (effect === 'once' || ready.approved)) run.append({ kind: 'intent', callId: call.id, state: 'started' });
  // The answer that asked for this call, and its intent, must survive before the world changes.
  const settling = effect === 'read' ? undefined : run?.settled();
  if (settling === undefined) return runTool(loop, step, call, ready);
  return guard.race(settling).then(() => runTool(loop, step, call, ready));
}

function runTool(loop: LoopContext, step: number, call: CallPart, { tool, input }: ReadyCall): Maybe<CallEnd> {
  const { clock } = loop;
  if (loop.guard.cause) throw interrupted;
  loop.emit({
    type: 'tool.called',
    at: clock.now(),
    source: 'core.loop',
    runId: loop.runId,
    step,
    callId: call.id,
    tool: call.tool,
    input: input as JsonValue,
    effect: tool.effect,
  });
  const running: RunningCall = {
    step,
    call,
    tool,
    context: new CallContext(loop, { step, callId: call.id, tool: call.tool }),
    startedAt: clock.elapsed(),
  };
  let value: unknown;
  try {
    value = tool.run(input, running.context);
  } catch (error) {
    return fail(loop, running, error);
  }
  if (isPromiseLike(value) || tool.output) return awaitOutput(loop, running, value);
  return complete(loop, running, value);
}

interface RunningCall {
  readonly step: number;
  readonly call: CallPart;
  readonly tool: ReadyCall['tool'];
  readonly context: CallContext;
  readonly startedAt: number;
}

async function awaitOutput(loop: LoopContext, running: RunningCall, value: unknown): Promise<CallEnd> {
  const { tool } = running;
  let output: unknown;
  try {
    output = isPromiseLike(value) ? await withinTime(loop, value, tool.timeoutMs) : value;
    if (tool.output) output = await loop.guard.race(checkOutput(tool.output, output));
  } catch (error) {
    return fail(loop, running, error);
  }
  return complete(loop, running, output);
}

function complete(loop: LoopContext, { step, call, context, startedAt }: RunningCall, output: unknown): Maybe<CallEnd> {
  context.end(false);
  const outcome: CallOutcome = { status: 'completed', output: output as JsonValue };
  return settle(loop, step, call, outcome, loop.clock.elapsed() - startedAt);
}

/** What a tool threw. Throws on only when the whole loop has to stop. */
function fail(
  loop: LoopContext,
  { step, call, tool, context, startedAt }: RunningCall,
  error: unknown,
): Maybe<CallEnd> {
  context.end(true);
  if (error === interrupted) throw error;
  const outcome = readThrown(error, tool.name, tool.timeoutMs);
  if (!('waiting' in outcome)) return settle(loop, step, call, outcome, loop.clock.elapsed() - startedAt);
  loop.run?.append({ kind: 'intent', callId: call.id, state: 'not-done' });
  return { waiting: { callId: call.id, approvalIds: outcome.waiting, began: true } };
}

/** Records an outcome. From here on the call is never made again. */
function settle(
  loop: LoopContext,
  step: number,
  call: CallPart,
  outcome: CallOutcome,
  tookMs: number,
): Maybe<LoopCall> {
  const stored = storeOutput(loop, call.id, outcome);
  const finish = ({ outcome: final, outputText }: StoredOutcome): LoopCall => {
    const rounded = Math.round(tookMs * 1000) / 1000;
    loop.run?.append({ kind: 'result', callId: call.id, ...final, tookMs: rounded });
    return { step, callId: call.id, tool: call.tool, input: call.input, outcome: final, outputText, tookMs: rounded };
  };
  return stored instanceof Promise ? stored.then(finish) : finish(stored);
}

function report(loop: LoopContext, call: LoopCall, recorded: RecordedStep | undefined): void {
  if (recorded?.results.has(call.callId)) return;
  const base = {
    at: loop.clock.now(),
    source: 'core.loop',
    runId: loop.runId,
    step: call.step,
    callId: call.callId,
    tool: call.tool,
    tookMs: call.tookMs,
  } as const;
  const { outcome } = call;
  if (outcome.status === 'completed') loop.emit({ type: 'tool.completed', ...base, output: outcome.output });
  else loop.emit({ type: 'tool.failed', ...base, error: outcome.error });
}

const timedOut: unique symbol = Symbol('timed out');

function withinTime<Value>(loop: LoopContext, work: PromiseLike<Value>, timeoutMs: number): Promise<Value> {
  if (timeoutMs === Number.POSITIVE_INFINITY) return loop.guard.race(work);
  return new Promise((resolve, reject) => {
    const cancel = loop.clock.schedule(timeoutMs, () => reject(timedOut));
    loop.guard.race(work).then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

function readThrown(
  error: unknown,
  tool: string,
  timeoutMs: number,
): CallOutcome | { readonly waiting: readonly string[] } {
  if (error === timedOut) {
    const message = `Tool "${tool}" did not answer within ${timeoutMs} ms. It may still have had its effect: check before repeating it.`;
    return { status: 'failed', error: { code: 'GENIE_TOOL_TIMEOUT', message } };
  }
  if (ApprovalRequiredError.isInstance(error)) return { waiting: error.approvalIds };
  const record = toErrorRecord(error, 'GENIE_TOOL_FAILED');
  const denied = record.code === 'GENIE_EGRESS_DENIED' || record.code === 'GENIE_APPROVAL_DENIED';
  return { status: denied ? 'denied' : 'failed', error: record };
}

/** The output as its schema returns it. Throws what {@link readThrown} turns into a failed call. */
async function checkOutput(schema: OutputSchema, output: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(output);
  if (!result.issues) return result.value;
  throw new Error(
    `The result does not have the declared form: ${result.issues.map((issue) => issue.message).join('; ')}`,
  );
}

type OutputSchema = NonNullable<Tool['output']>;

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
