/** Work that several callers wait for together. */
export interface SharedWork<Value> {
  /** Waits for the work that is under way, else starts it. A caller that no longer waits does not end it for the others. */
  join(signal: AbortSignal): Promise<Value>;
}

interface Running<Value> {
  readonly promise: Promise<Value>;
  readonly controller: AbortController;
  waiting: number;
}

/** The work is given up, with the reason of the last caller, when nobody waits for it any more. */
export function shareWork<Value>(work: (signal: AbortSignal) => Promise<Value>): SharedWork<Value> {
  let running: Running<Value> | undefined;
  const begin = (): Running<Value> => {
    const controller = new AbortController();
    const forget = (): void => {
      if (running === begun) running = undefined;
    };
    const begun: Running<Value> = { promise: work(controller.signal), controller, waiting: 0 };
    begun.promise.then(forget, forget);
    return begun;
  };
  return {
    async join(signal) {
      signal.throwIfAborted();
      running ??= begin();
      const joined = running;
      joined.waiting += 1;
      try {
        return await unlessAborted(joined.promise, signal);
      } finally {
        joined.waiting -= 1;
        if (joined.waiting === 0 && signal.aborted) {
          // The next caller starts anew instead of waiting for what is being given up.
          if (running === joined) running = undefined;
          joined.controller.abort(signal.reason);
        }
      }
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
