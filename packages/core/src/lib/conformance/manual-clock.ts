import { type FixedClock, fixedClock } from '../testing/fixed-clock.ts';

/** A fixed clock that can also be set by a difference, and that says how many callbacks wait. */
export interface ManualClock extends FixedClock {
  /** Somebody sets the wall clock, forwards or backwards. Nothing becomes due by it. */
  jump(byMs: number): void;
  /** Callbacks that wait. */
  readonly pending: number;
}

/** For suites and tests. `startAt` is epoch ms. */
export function createManualClock(startAt = Date.UTC(2026, 0, 5, 12)): ManualClock {
  const clock = fixedClock(startAt);
  const waiting = new Set<object>();
  return {
    ...clock,
    schedule(delayMs, callback) {
      const timer = {};
      waiting.add(timer);
      const cancel = clock.schedule(delayMs, () => {
        waiting.delete(timer);
        callback();
      });
      return () => {
        waiting.delete(timer);
        cancel();
      };
    },
    jump: (byMs) => clock.jumpTo(clock.now() + byMs),
    get pending() {
      return waiting.size;
    },
  };
}
