import type { ErrorRecord } from '../genie-error.ts';
import { FaultCounter } from './fault-counter.ts';
import type { LoopCall, LoopContext } from './loop-context.ts';
import type { LoopFinish } from './loop-finish.ts';
import { RepeatGuard } from './repeat-guard.ts';

/** Looks at the results of each step for a model that turns in circles. */
export class ResultsReview {
  readonly #loop: LoopContext;
  readonly #repeats = new RepeatGuard();
  readonly #faults: FaultCounter;

  constructor(loop: LoopContext) {
    this.#loop = loop;
    this.#faults = new FaultCounter(loop.limits.faultTolerance);
  }

  /** The calls as the model gets to see them, and the finish when the loop should end with them. */
  review(
    step: number,
    finished: readonly LoopCall[],
  ): { readonly shown: readonly LoopCall[]; readonly finish: LoopFinish | undefined } {
    let finish: LoopFinish | undefined;
    const shown = finished.map((call) => {
      const finding = this.#repeats.note({ tool: call.tool, input: call.input, output: call.outputText, step });
      if (!finding) return call;
      const { clock, emit, runId } = this.#loop;
      emit({ type: 'repeat.detected', at: clock.now(), source: 'core.loop', runId, step, tool: call.tool, ...finding });
      if (finding.stops) finish = { reason: 'repeat', error: repeatError(call.tool, finding.times) };
      return withNote(call, finding.times);
    });
    if (finish) return { shown, finish };
    const fault = this.#faults.note(finished);
    return { shown, finish: fault && { reason: 'tool-error', error: fault } };
  }
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
