/** Work that several callers wait for together. */
export interface SharedWork<Value> {
  /** Waits for the work that is under way, else starts it. A caller that no longer waits does not end it for the others. */
  join(signal: AbortSignal): Promise<Value>;
}

/** The work goes on when nobody waits any more: who comes next finds it further on. */
export function shareWork<Value>(work: () => Promise<Value>): SharedWork<Value> {
  let running: Promise<Value> | undefined;
  const begin = (): Promise<Value> => {
    const begun = work();
    const forget = (): void => {
      if (running === begun) running = undefined;
    };
    begun.then(forget, forget);
    return begun;
  };
  return {
    async join(signal) {
      signal.throwIfAborted();
      running ??= begin();
      return unlessAborted(running, signal);
    },
  };
}

function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
