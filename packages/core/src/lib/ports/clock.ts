/** Where time comes from. Called everywhere; never throws. */
export interface Clock {
  /** Wall time in epoch milliseconds. May jump, also backwards. */
  now(): number;
  /** Milliseconds since an arbitrary start. Never goes back. */
  elapsed(): number;
  /** Calls back once after `delayMs`; the returned function cancels. A pending callback does not keep the process alive. */
  schedule(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  schedule(delayMs, callback) {
    // setTimeout overflows at 2^31 - 1 ms and would fire at once.
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 2_147_483_647));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
