import type { Usage } from '../run-record.ts';
import { interrupted } from './abort-guard.ts';
import { costOf } from './budget.ts';
import type { CallPart, ModelAnswer } from './call-model.ts';
import { callTools, type StepCalls } from './call-tools.ts';
import type { LoopCall, LoopContext } from './loop-context.ts';
import {
  finishOfAnswer,
  finishOfExcess,
  finishOfFailure,
  finishOfRecord,
  type LoopFinish,
  type LoopResult,
  recordFinish,
} from './loop-finish.ts';
import { ModelFault, ModelTurns } from './model-turns.ts';
import { addUsage, noUsage, type RecordedLoop, type RecordedStep, replayLoop, workedBefore } from './replay.ts';
import { ResultsReview } from './results-review.ts';
import { type LoopMessage, Transcript } from './transcript.ts';
import { waitForDecisions } from './wait-for-decisions.ts';

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
  readonly #turns: ModelTurns;
  readonly #results: ResultsReview;
  readonly #calls: LoopCall[] = [];
  readonly #startedAt: number;
  /** Of former processes. */
  readonly #workedBeforeMs: number;
  #steps = 0;
  #text = '';
  #usage: Usage;
  #costUsd: number;
  #waitedMs = 0;
  /** The end was recorded by a former process. */
  #isFinished = false;

  constructor(loop: LoopContext, start: readonly LoopMessage[]) {
    this.#loop = loop;
    this.#transcript = new Transcript(start);
    this.#turns = new ModelTurns(loop, this.#transcript);
    this.#results = new ResultsReview(loop);
    this.#usage = loop.spent?.usage ?? noUsage;
    this.#costUsd = loop.spent?.costUsd ?? 0;
    this.#startedAt = loop.clock.elapsed();
    this.#workedBeforeMs = loop.run ? workedBefore(loop.run.recorded) : 0;
  }

  async run(): Promise<LoopFinish> {
    const loop = this.#loop;
    const recorded = loop.run && loop.run.recorded.length > 0 ? replayLoop(loop.run.recorded) : undefined;
    if (recorded?.finished) return this.#finishAgain(recorded.steps, recorded.finished);
    for (const step of recorded?.steps ?? []) {
      const finish = await this.#step(step.answer, step);
      if (finish) return finish;
    }
    for (;;) {
      if (loop.guard.cause) throw interrupted;
      const answer = await this.#turns.next(this.#spent());
      if ('limit' in answer) return finishOfExcess(loop, this.#steps + 1, answer);
      const step = this.#step(answer, undefined);
      const finish = step instanceof Promise ? await step : step;
      if (finish !== undefined) return finish;
    }
  }

  /** The end as it was recorded. Calls that had no result then are not made now: the loop is over. */
  #finishAgain(steps: readonly RecordedStep[], finished: NonNullable<RecordedLoop['finished']>): LoopFinish {
    this.#isFinished = true;
    for (const { answer, costUsd, results } of steps) {
      this.#count(answer, costUsd);
      for (const { id: callId, tool, input } of answer.calls) {
        const result = results.get(callId);
        if (result) this.#calls.push({ step: this.#steps, callId, tool, input, ...result });
      }
    }
    return finishOfRecord(finished);
  }

  #count(answer: ModelAnswer, costUsd: number | undefined): void {
    this.#steps += 1;
    this.#usage = addUsage(this.#usage, answer.usage);
    if (costUsd !== undefined) this.#costUsd += costUsd;
    this.#text = answer.text;
  }

  /** Takes an answer in and runs its calls. Returns the finish when this was the last step. */
  #step(answer: ModelAnswer, recorded: RecordedStep | undefined): StepEnd | Promise<StepEnd> {
    const loop = this.#loop;
    const costUsd = recorded ? recorded.costUsd : loop.price && costOf(answer.usage, loop.price);
    this.#count(answer, costUsd);
    const step = this.#steps;
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
        ...(loop.budget.timeMs === undefined ? undefined : { workedMs: Math.round(this.#workedMs()) }),
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
    if (answer.calls.length === 0) return finishOfAnswer(answer);
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
      loop.timeLimit?.pause();
      const isDecided = await waitForDecisions(
        loop,
        result.waiting.flatMap((call) => call.approvalIds),
      );
      this.#waitedMs += loop.clock.elapsed() - waitStarted;
      loop.timeLimit?.start();
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
    const { shown, finish } = this.#results.review(step, finished);
    this.#transcript.addResults(shown);
    if (finish) return finish;
    const stops = loop.stopWhen?.({
      steps: this.#steps,
      text: this.#text,
      usage: this.#usage,
      costUsd: this.#costUsd,
    });
    if (stops instanceof Promise) return loop.guard.race(stops).then(stopIf);
    return stopIf(stops);
  }

  #spent() {
    const workedMs = this.#loop.budget.timeMs === undefined ? 0 : this.#workedMs();
    return { steps: this.#steps, usage: this.#usage, costUsd: this.#costUsd, workedMs };
  }

  #workedMs(): number {
    return this.#workedBeforeMs + this.#loop.clock.elapsed() - this.#startedAt - this.#waitedMs;
  }

  finishOf(error: unknown): LoopFinish {
    if (error instanceof ModelFault) return { reason: 'model-error', error: error.record };
    if (error !== interrupted) return finishOfFailure(error);
    if (this.#loop.guard.cause !== 'time') return { reason: 'aborted' };
    const allowed = this.#loop.budget.timeMs ?? 0;
    return finishOfExcess(this.#loop, this.#steps + 1, { limit: 'time', used: Math.round(this.#workedMs()), allowed });
  }

  /** Reports the end once it is durable. */
  async end(finish: LoopFinish): Promise<LoopResult> {
    const loop = this.#loop;
    this.#turns.dispose();
    const final = await recordFinish(loop, finish, this.#isFinished);
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

function stopIf(stops: boolean | undefined): StepEnd {
  return stops ? { reason: 'stop-condition' } : undefined;
}
