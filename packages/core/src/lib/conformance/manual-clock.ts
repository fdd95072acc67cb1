import type { Clock } from '../ports/clock.ts';

/** A clock that stands still until it is told otherwise. */
export interface ManualClock extends Clock {
  /** Time passes: wall clock and elapsed time move, callbacks that became due run in order. */
  advance(byMs: number): void;
  /** Somebody sets the wall clock, forwards or backwards. Nothing becomes due by it. */
  jump(byMs: number): void;
  /** Callbacks that wait. */
  readonly pending: number;
}

/** For suites and tests. `startAt` is epoch ms. */
export function createManualClock(startAt = Date.UTC(2026, 0, 5, 12)): ManualClock {
  let wall = startAt;
  let elapsed = 0;
  let timers: { readonly dueAt: number; readonly callback: () => void }[] = [];
  return {
    now: () => wall,
    elapsed: () => elapsed,
    schedule(delayMs, callback) {
      const timer = { dueAt: elapsed + Math.max(0, delayMs), callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(byMs) {
      const end = elapsed + byMs;
      for (;;) {
        const [next] = timers.filter((timer) => timer.dueAt <= end).sort((left, right) => left.dueAt - right.dueAt);
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        wall += Math.max(0, next.dueAt - elapsed);
        elapsed = Math.max(elapsed, next.dueAt);
        next.callback();
      }
      wall += end - elapsed;
      elapsed = end;
    },
    jump(byMs) {
      wall += byMs;
    },
    get pending() {
      return timers.length;
    },
  };
}
