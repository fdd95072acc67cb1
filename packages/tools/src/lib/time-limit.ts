import { createContext, Script } from 'node:vm';

/** Runs work that somebody else's data decides about, and breaks it off when it takes too long. */
export interface TimeLimit {
  /**
   * The result of `work`, which runs at once and must be synchronous. Throws a {@link TookTooLong} past `limitMs`; the
   * thread is blocked no longer than that.
   */
  run<Value>(limitMs: number, work: () => Value): Value;
}

/** What {@link TimeLimit} breaks work off with. */
export class TookTooLong extends Error {
  constructor(limitMs: number) {
    super(`it took longer than ${limitMs} ms`);
  }
}

/**
 * Regular expressions, recursive schemas and comparisons of every item with every other take hours on the right input,
 * and no timer fires meanwhile: only the engine itself can end them. Costs about 0.1 ms a run.
 */
export function createTimeLimit(): TimeLimit {
  const place: { work?: () => unknown } = {};
  const context = createContext(place);
  const script = new Script('work()');
  return {
    run<Value>(limitMs: number, work: () => Value): Value {
      place.work = work;
      try {
        return script.runInContext(context, { timeout: limitMs }) as Value;
      } catch (error) {
        // An error of the other context: no instance of the Error of this one.
        const { code } = (error ?? {}) as { readonly code?: unknown };
        throw code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? new TookTooLong(limitMs) : error;
      } finally {
        delete place.work;
      }
    },
  };
}
