/** Short time limits, many at once. */
export interface Deadlines {
  /** Calls `late` once when `ms` have passed, at most a fortieth of a second too late; the returned function calls it off. */
  after(ms: number, late: () => void): () => void;
}

const stepMs = 25;

/**
 * One timer for all of them, which runs only while something waits: a tunnel has three limits that nearly never strike, and a
 * timer for each costs more than the checks between them.
 */
export function createDeadlines(): Deadlines {
  const waiting = new Set<{ readonly at: number; readonly late: () => void }>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const now = performance.now();
    for (const one of waiting) {
      if (now < one.at) continue;
      waiting.delete(one);
      one.late();
    }
    if (waiting.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  return {
    after(ms, late) {
      const one = { at: performance.now() + ms, late };
      waiting.add(one);
      // Whatever is waited for keeps the process alive by itself.
      timer ??= setInterval(look, stepMs).unref();
      return () => waiting.delete(one);
    },
  };
}
