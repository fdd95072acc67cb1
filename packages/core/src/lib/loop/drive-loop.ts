import type { FinishReason } from '../events/genie-event.ts';
import { type ErrorRecord, GenieError, toErrorRecord } from '../genie-error.ts';
import type { ModelCallOptions, ModelFunctionTool } from '../model/language-model.ts';
import type { Usage } from '../run-record.ts';
import { interrupted } from './abort-guard.ts';
import { type BudgetExcess, costOf, reserve } from './budget.ts';
import { type CallPart, type DeltaSink, generateAnswer, type ModelAnswer, streamAnswer } from './call-model.ts';
import { callTools, type StepCalls } from './call-tools.ts';
import { fitContextWindow } from './context-window.ts';
import { FaultCounter } from './fault-counter.ts';
import type { LoopCall, LoopContext } from './loop-context.ts';
import { ModelDeadline } from './model-deadline.ts';
import { RepeatGuard } from './repeat-guard.ts';
import { addUsage, noUsage, type RecordedStep, replayLoop } from './replay.ts';
import { type LoopMessage, Transcript } from './transcript.ts';
import { waitForDecisions } from './wait-for-decisions.ts';

export interface LoopFinish {
  readonly reason: FinishReason;
  readonly error?: ErrorRecord;
  /** For `waiting`: what the user has to decide. */
  readonly approvalIds?: readonly string[];
}

export interface LoopResult {
  /** The text of the last answer. */
  readonly text: string;
  /** Model calls, recorded ones included. */
  readonly steps: number;
  readonly usage: Usage;
  /** Undefined when the model has no price. */
  readonly costUsd?: number;
  readonly finish: LoopFinish;
  readonly calls: readonly LoopCall[];
}

/** Runs the tool loop to its end. Never rejects: what goes wrong is in `finish`. */
export async function driveLoop(loop: LoopContext, start: readonly LoopMessage[]): Promise<LoopResult> {
  const drive = new Drive(loop, start);
  let finish: LoopFinish;
  try {
    finish = await drive.run();
  } catch (error) {
    finish = drive.finishOf(error);
  }
  return drive.end(finish);
}

/** The finish when a step was the last one. */
type StepEnd = LoopFinish | undefined;

interface BegunCalls {
  readonly called: StepCalls | Promise<StepCalls>;
  readonly recorded: RecordedStep | undefined;
}

/** The state of one loop: everything that changes while it runs. */
class Drive {
  readonly #loop: LoopContext;
  readonly #transcript: Transcript;
  readonly #repeats = new RepeatGuard();
  readonly #faults: FaultCounter;
  readonly #calls: LoopCall[] = [];
  readonly #startedAt: number;
  readonly #deadline: ModelDeadline;
  readonly #sink: DeltaSink;
  #offered: { readonly names: string; readonly tools: ModelFunctionTool[] } | undefined;
  #steps = 0;
  #text = '';
  #usage: Usage;
  #costUsd: number;
  #waitedMs = 0;
  #modelFaults = 0;
  /** The end was recorded by a former process. */
  #isFinished = false;

  constructor(loop: LoopContext, start: readonly LoopMessage[]) {
    this.#loop = loop;
    this.#transcript = new Transcript(start);
    this.#faults = new FaultCounter(loop.limits.faultTolerance);
    this.#usage = loop.spent?.usage ?? noUsage;
    this.#costUsd = loop.spent?.costUsd ?? 0;
    this.#startedAt = loop.clock.elapsed();
    this.#deadline = new ModelDeadline(loop);
    this.#sink = {
      text: (text) =>
        loop.emit({ type: 'text.delta', at: loop.clock.now(), source, runId: loop.runId, step: this.#steps + 1, text }),
      reasoning: (text) =>
        loop.emit({
          type: 'reasoning.delta',
          at: loop.clock.now(),
          source,
          runId: loop.runId,
          step: this.#steps + 1,
          text,
        }),
      ready: loop.ready,
    };
  }

  async run(): Promise<LoopFinish> {
    const loop = this.#loop;
    const recorded = loop.run && loop.run.recorded.length > 0 ? replayLoop(loop.run.recorded) : undefined;
    this.#isFinished = recorded?.finished !== undefined;
    for (const step of recorded?.steps ?? []) {
      const finish = await this.#step(step.answer, step);
      if (finish && !recorded?.finished) return finish;
    }
    if (recorded?.finished) return finishOfRecord(recorded.finished);
    for (;;) {
      if (loop.guard.cause) throw interrupted;
      const answer = await this.#nextAnswer();
      if ('limit' in answer) return this.#excess(answer);
      const step = this.#step(answer, undefined);
      const finish = step instanceof Promise ? await step : step;
      if (finish !== undefined) return finish;
    }
  }

  /** Takes an answer in and runs its calls. Returns the finish when this was the last step. */
  #step(answer: ModelAnswer, recorded: RecordedStep | undefined): StepEnd | Promise<StepEnd> {
    const loop = this.#loop;
    this.#steps += 1;
    const step = this.#steps;
    const costUsd = recorded ? recorded.costUsd : loop.price && costOf(answer.usage, loop.price);
    this.#usage = addUsage(this.#usage, answer.usage);
    if (costUsd !== undefined) this.#costUsd += costUsd;
    this.#text = answer.text;
    const cost = costUsd === undefined ? undefined : { costUsd };
    if (!recorded) {
      loop.run?.append({
        kind: 'answer',
        step,
        at: loop.clock.now(),
        content: answer.content,
        finish: answer.finish,
        usage: answer.usage,
        ...cost,
      });
      loop.emit({
        type: 'step.completed',
        at: loop.clock.now(),
        source,
        runId: loop.runId,
        step,
        usage: answer.usage,
        ...cost,
        toolCalls: answer.calls.length,
      });
    }
    this.#transcript.addAnswer(answer.content);
    if (answer.calls.length === 0) return this.#lastFinish(answer);
    const called = callTools(loop, { number: step, calls: answer.calls }, recorded);
    if (!(called instanceof Promise) && called.waiting.length === 0) return this.#afterCalls(step, called.finished);
    return this.#awaitCalls(step, answer.calls, { called, recorded });
  }

  /** The calls of a step that need time: their tools, or the user. */
  async #awaitCalls(step: number, calls: readonly CallPart[], begun: BegunCalls): Promise<StepEnd> {
    const { finished, waiting } = await this.#askAndGoOn(step, calls, begun);
    if (waiting.length === 0) return this.#afterCalls(step, finished);
    return { reason: 'waiting', approvalIds: [...new Set(waiting.flatMap((call) => call.approvalIds))] };
  }

  async #askAndGoOn(number: number, calls: readonly CallPart[], { called, recorded }: BegunCalls): Promise<StepCalls> {
    const loop = this.#loop;
    let known = recorded;
    let result = await called;
    for (;;) {
      if (result.waiting.length === 0 || loop.limits.approvalWaitMs <= 0 || !loop.approvals) return result;
      const waitStarted = loop.clock.elapsed();
      const isDecided = await waitForDecisions(
        loop,
        result.waiting.flatMap((call) => call.approvalIds),
      );
      this.#waitedMs += loop.clock.elapsed() - waitStarted;
      if (!isDecided) return result;
      known = {
        number,
        answer: { content: [], text: '', calls, finish: '', usage: noUsage },
        costUsd: undefined,
        results: new Map(result.finished.map((call) => [call.callId, call])),
        intents: new Map([
          ...(known?.intents ?? []),
          ...result.waiting.filter((call) => call.began).map((call) => [call.callId, 'not-done'] as const),
        ]),
      };
      result = await callTools(loop, { number, calls }, known);
    }
  }

  #afterCalls(step: number, finished: readonly LoopCall[]): StepEnd | Promise<StepEnd> {
    const loop = this.#loop;
    this.#calls.push(...finished);
    let repeated: LoopFinish | undefined;
    const shown = finished.map((call) => {
      const finding = this.#repeats.note({ tool: call.tool, input: call.input, output: call.outputText, step });
      if (!finding) return call;
      loop.emit({
        type: 'repeat.detected',
        at: loop.clock.now(),
        source,
        runId: loop.runId,
        step,
        tool: call.tool,
        ...finding,
      });
      if (finding.stops) repeated = { reason: 'repeat', error: repeatError(call.tool, finding.times) };
      return withNote(call, finding.times);
    });
    this.#transcript.addResults(shown);
    if (repeated) return repeated;
    const fault = this.#faults.note(finished);
    if (fault) return { reason: 'tool-error', error: fault };
    const stops = loop.stopWhen?.(this.#state());
    if (stops instanceof Promise) return loop.guard.race(stops).then(stopIf);
    return stopIf(stops);
  }

  /** Calls the model, once more when an answer was unusable or the provider says a retry may help. */
  async #nextAnswer(): Promise<ModelAnswer | BudgetExcess> {
    const loop = this.#loop;
    for (;;) {
      const workedMs = loop.budget.timeMs === undefined ? 0 : this.#workedMs();
      const spent = { steps: this.#steps, usage: this.#usage, costUsd: this.#costUsd, workedMs };
      const reservation = reserve(loop.budget, spent, {
        inputTokens: this.#transcript.estimatedTokens,
        price: loop.price,
      });
      if ('limit' in reservation) return reservation;
      loop.emit({
        type: 'step.started',
        at: loop.clock.now(),
        source,
        runId: loop.runId,
        step: this.#steps + 1,
        modelId: loop.model.modelId,
      });
      this.#deadline.begin();
      try {
        const isStreamed = loop.isStreaming();
        const answer = await this.#callModel(reservation.maxOutputTokens, isStreamed);
        if (!isStreamed && answer.text !== '') this.#sink.text(answer.text);
        this.#modelFaults = 0;
        return answer;
      } catch (error) {
        if (error === interrupted || loop.guard.cause) throw interrupted;
        this.#afterModelFault(error);
      } finally {
        this.#deadline.end();
      }
    }
  }

  #callModel(maxOutputTokens: number | undefined, isStreamed: boolean): Promise<ModelAnswer> {
    const { guard, model } = this.#loop;
    const options = this.#modelOptions(maxOutputTokens);
    return guard.race(isStreamed ? streamAnswer(model, options, this.#sink) : generateAnswer(model, options));
  }

  #afterModelFault(error: unknown): void {
    const loop = this.#loop;
    const record = toErrorRecord(error, 'GENIE_MODEL_FAILED');
    this.#modelFaults += 1;
    const isRetryable =
      record.code === 'GENIE_MODEL_ANSWER' || (error as { isRetryable?: unknown } | null)?.isRetryable === true;
    const willRetry = isRetryable && this.#modelFaults <= 1;
    loop.emit({
      type: 'model.failed',
      at: loop.clock.now(),
      source,
      runId: loop.runId,
      step: this.#steps + 1,
      error: record,
      willRetry,
    });
    if (!willRetry) throw new ModelFault(record);
  }

  #modelOptions(maxOutputTokens: number | undefined): ModelCallOptions {
    const loop = this.#loop;
    const limit = Math.min(
      maxOutputTokens ?? Number.POSITIVE_INFINITY,
      loop.settings.maxOutputTokens ?? Number.POSITIVE_INFINITY,
    );
    const tools = this.#offeredTools();
    return {
      ...loop.settings,
      prompt: this.#prompt(),
      ...(Number.isFinite(limit) ? { maxOutputTokens: limit } : {}),
      ...(tools.length > 0 ? { tools } : {}),
      abortSignal: loop.guard.signal,
    };
  }

  #prompt(): ModelCallOptions['prompt'] {
    const { limits, emit, clock, runId } = this.#loop;
    if (this.#transcript.estimatedTokens <= limits.contextTokens) return this.#transcript.messages.slice();
    const fitted = fitContextWindow(this.#transcript, limits.contextTokens);
    if (fitted.droppedMessages > 0) {
      emit({
        type: 'context.trimmed',
        at: clock.now(),
        source,
        runId,
        step: this.#steps + 1,
        droppedMessages: fitted.droppedMessages,
        estimatedTokens: fitted.estimatedTokens,
      });
    }
    return [...fitted.messages];
  }

  #offeredTools(): ModelFunctionTool[] {
    const list = this.#loop.tools.list();
    if (list.length === 0) return [];
    const names = list.map((tool) => tool.name).join(' ');
    if (this.#offered?.names !== names) {
      const tools = list.map(
        (tool): ModelFunctionTool => ({
          type: 'function',
          name: tool.name,
          description: tool.description,
          inputSchema: tool.inputJsonSchema as ModelFunctionTool['inputSchema'],
        }),
      );
      this.#offered = { names, tools };
    }
    return this.#offered.tools;
  }

  #lastFinish(answer: ModelAnswer): LoopFinish {
    switch (answer.finish) {
      case 'length':
        return { reason: 'length' };
      case 'content-filter':
        return { reason: 'content-filter' };
      case 'error':
        return {
          reason: 'model-error',
          error: { code: 'GENIE_MODEL_FAILED', message: 'The model ended its answer with an error.' },
        };
      default:
        return { reason: 'stop' };
    }
  }

  #excess(excess: BudgetExcess): LoopFinish {
    const loop = this.#loop;
    loop.emit({
      type: 'budget.exceeded',
      at: loop.clock.now(),
      source,
      runId: loop.runId,
      step: this.#steps + 1,
      ...excess,
    });
    const message = `The budget of ${excess.allowed} ${excess.limit} is spent (${excess.used} used). Raise budget.${excess.limit === 'time' ? 'timeMs' : excess.limit} to go further.`;
    return { reason: 'budget', error: { code: 'GENIE_BUDGET_EXCEEDED', message, details: { ...excess } } };
  }

  #state() {
    return { steps: this.#steps, text: this.#text, usage: this.#usage, costUsd: this.#costUsd };
  }

  #workedMs(): number {
    return this.#loop.clock.elapsed() - this.#startedAt - this.#waitedMs;
  }

  finishOf(error: unknown): LoopFinish {
    if (error === interrupted) {
      if (this.#loop.guard.cause === 'time') {
        const allowed = this.#loop.budget.timeMs ?? 0;
        return this.#excess({ limit: 'time', used: Math.round(this.#workedMs()), allowed });
      }
      return { reason: 'aborted' };
    }
    if (error instanceof ModelFault) return { reason: 'model-error', error: error.record };
    const isJournal = GenieError.isInstance(error) && error.code.startsWith('GENIE_JOURNAL');
    return { reason: isJournal ? 'journal-error' : 'tool-error', error: toErrorRecord(error, 'GENIE_LOOP_FAILED') };
  }

  /** Records the end where it is final, and reports it once it is durable. */
  async end(finish: LoopFinish): Promise<LoopResult> {
    const loop = this.#loop;
    this.#deadline.dispose();
    let final = finish;
    try {
      // An aborted or waiting loop goes on later, so its end is not recorded.
      const isFinal =
        !this.#isFinished &&
        finish.reason !== 'aborted' &&
        finish.reason !== 'waiting' &&
        finish.reason !== 'journal-error';
      if (isFinal) {
        loop.run?.append({
          kind: 'finished',
          at: loop.clock.now(),
          reason: finish.reason,
          ...(finish.error ? { error: finish.error } : {}),
        });
      }
      await loop.run?.settled();
    } catch (error) {
      if (finish.reason !== 'journal-error')
        final = { reason: 'journal-error', error: toErrorRecord(error, 'GENIE_JOURNAL_FAILED') };
    }
    const cost = loop.price ? { costUsd: this.#costUsd } : undefined;
    loop.emit({
      type: 'loop.finished',
      at: loop.clock.now(),
      source,
      runId: loop.runId,
      step: this.#steps,
      reason: final.reason,
      usage: this.#usage,
      ...cost,
      ...(final.error ? { error: final.error } : {}),
    });
    return { text: this.#text, steps: this.#steps, usage: this.#usage, ...cost, finish: final, calls: this.#calls };
  }
}

const source = 'core.loop';

/** Carries a model's failure out of the loop; it ends as a finish reason. */
class ModelFault extends Error {
  readonly record: ErrorRecord;

  constructor(record: ErrorRecord) {
    super(record.message);
    this.record = record;
  }
}

function finishOfRecord({
  reason,
  error,
}: {
  readonly reason: FinishReason;
  readonly error?: ErrorRecord;
}): LoopFinish {
  return error ? { reason, error } : { reason };
}

function stopIf(stops: boolean | undefined): StepEnd {
  return stops ? { reason: 'stop-condition' } : undefined;
}

function repeatError(tool: string, times: number): ErrorRecord {
  return {
    code: 'GENIE_LOOP_REPEATS',
    message: `"${tool}" was called ${times} times in a row with the same arguments and the same result.`,
  };
}

function withNote(call: LoopCall, times: number): LoopCall {
  const note = `[The same call gave the same result ${times} times in a row. Do something else, or give your answer.]`;
  const outputText = `${call.outputText}\n\n${note}`;
  return { ...call, outcome: { status: 'completed', output: outputText }, outputText };
}
