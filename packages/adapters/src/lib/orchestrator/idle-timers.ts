import type { Clock } from '@genie/core/ports';

/** Notices what nobody uses. */
export interface IdleTimers {
  /** Counts as used now. */
  touch(name: string): void;
  /** In use until the returned function is called. */
  hold(name: string): () => void;
  isHeld(name: string): boolean;
  forget(name: string): void;
  close(): void;
}

export function createIdleTimers(options: {
  readonly clock: Clock;
  readonly pauseAfterMs: number | undefined;
  readonly stopAfterMs: number;
  pause(name: string): void;
  stop(name: string): void;
}): IdleTimers {
  const { clock, pauseAfterMs, stopAfterMs } = options;
  const cancels = new Map<string, readonly (() => void)[]>();
  const holders = new Map<string, number>();
  const forget = (name: string) => {
    for (const cancel of cancels.get(name) ?? []) cancel();
    cancels.delete(name);
  };
  const touch = (name: string) => {
    forget(name);
    if (holders.has(name)) return;
    cancels.set(name, [
      ...(pauseAfterMs === undefined || pauseAfterMs >= stopAfterMs
        ? []
        : [clock.schedule(pauseAfterMs, () => options.pause(name))]),
      clock.schedule(stopAfterMs, () => options.stop(name)),
    ]);
  };
  return {
    touch,
    hold(name) {
      forget(name);
      holders.set(name, (holders.get(name) ?? 0) + 1);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        const left = (holders.get(name) ?? 1) - 1;
        if (left > 0) holders.set(name, left);
        else {
          holders.delete(name);
          touch(name);
        }
      };
    },
    isHeld: (name) => holders.has(name),
    forget,
    close() {
      for (const name of [...cancels.keys()]) forget(name);
    },
  };
}
