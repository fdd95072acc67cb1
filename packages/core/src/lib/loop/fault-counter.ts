import type { ErrorRecord } from '../genie-error.ts';
import type { LoopCall } from './loop-context.ts';

/**
 * Counts, for each tool, how many steps in a row every call of it failed in the same way. The first failure goes back
 * to the model; one more than is tolerated ends the loop. A step in which any call of the tool works starts anew, so
 * one dead source among five is no reason to stop.
 */
export class FaultCounter {
  readonly #tolerance: number;
  #previous = new Map<string, { readonly code: string; readonly times: number }>();

  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  /** Returns the error to end with, if it is time. */
  note(calls: readonly LoopCall[]): ErrorRecord | undefined {
    if (this.#previous.size === 0 && calls.every((call) => call.outcome.status !== 'failed')) return undefined;
    const current = new Map<string, { readonly code: string; readonly times: number }>();
    let excess: ErrorRecord | undefined;
    const works = new Set(calls.filter((call) => call.outcome.status !== 'failed').map(faultKey));
    for (const call of calls) {
      const key = faultKey(call);
      if (call.outcome.status !== 'failed' || works.has(key) || current.has(key)) continue;
      const { code } = call.outcome.error;
      const before = this.#previous.get(key);
      const times = before?.code === code ? before.times + 1 : 1;
      current.set(key, { code, times });
      if (times > this.#tolerance) excess ??= call.outcome.error;
    }
    this.#previous = current;
    return excess;
  }
}

function faultKey(call: LoopCall): string {
  const isUnknown = call.outcome.status === 'failed' && call.outcome.error.code === 'GENIE_TOOL_UNKNOWN';
  return isUnknown ? '' : call.tool;
}
