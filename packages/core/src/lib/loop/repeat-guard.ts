/** A note goes to the model at these counts of the same call with the same result; the loop stops at the last. */
const noteAt: ReadonlySet<number> = new Set([3, 6, 12]);
const stopAt = 24;

export interface RepeatFinding {
  readonly times: number;
  /** True when the loop should end now. */
  readonly stops: boolean;
}

/**
 * Detects a model that makes the same call again and again without anything changing: same tool, same arguments, same
 * result, in consecutive steps. Polling a thing that does change never trips it.
 */
export class RepeatGuard {
  readonly #last = new Map<string, { input: string; output: string; times: number; step: number }>();

  /** Called for every finished call; returns a finding when the model should be told or stopped. */
  note(call: {
    readonly tool: string;
    readonly input: string;
    readonly output: string;
    readonly step: number;
  }): RepeatFinding | undefined {
    const last = this.#last.get(call.tool);
    const same = last && last.input === call.input && last.output === call.output && call.step - last.step <= 1;
    if (!last || !same) {
      this.#last.set(call.tool, { input: call.input, output: call.output, times: 1, step: call.step });
      return undefined;
    }
    last.times += 1;
    last.step = call.step;
    if (last.times >= stopAt) return { times: last.times, stops: true };
    return noteAt.has(last.times) ? { times: last.times, stops: false } : undefined;
  }
}
