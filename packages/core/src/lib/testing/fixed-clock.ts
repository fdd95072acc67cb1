import type { Clock } from '../ports/clock.ts';

export interface FixedClock extends Clock {
  /** Moves time on and fires what falls due, in order. */
  advance(milliseconds: number): void;
  /** Sets the wall time, also backwards: a clock jump. `elapsed` does not move. */
  jumpTo(epochMs: number): void;
}

/** A clock that stands still until it is moved. Starts at 2026-01-01T00:00:00Z unless told otherwise. */
export function fixedClock(start: number | string = '2026-01-01T00:00:00Z'): FixedClock {
  let wall = typeof start === 'string' ? Date.parse(start) : start;
  let elapsed = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  return {
    now: () => wall,
    elapsed: () => elapsed,
    schedule(delayMs, callback) {
      const timer = { at: elapsed + Math.max(0, delayMs), callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(milliseconds) {
      const target = elapsed + milliseconds;
      for (;;) {
        const next = timers.filter((timer) => timer.at <= target).sort((left, right) => left.at - right.at)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        wall += next.at - elapsed;
        elapsed = next.at;
        next.callback();
      }
      wall += target - elapsed;
      elapsed = target;
    },
    jumpTo(epochMs) {
      wall = epochMs;
    },
  };
}
