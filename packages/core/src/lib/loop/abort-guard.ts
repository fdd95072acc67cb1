/** Marks the rejection of {@link AbortGuard.race}; compared by identity, never shown. */
export const interrupted: unique symbol = Symbol('interrupted');

export type InterruptCause = 'aborted' | 'time';

/**
 * One place that knows whether a loop has to stop now. Everything the loop awaits goes through `race`, so a model or a
 * tool that ignores its signal cannot hold the loop.
 */
export class AbortGuard {
  #controller = new AbortController();
  readonly #waiting = new Set<(reason: unknown) => void>();
  readonly #outer: AbortSignal | undefined;
  cause: InterruptCause | undefined;
  /** Lets go of what is being read, when the loop stops or gives it up. One slot: a listener a call on the signal would cost more than the call. */
  leave: (() => void) | undefined;

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.interrupt('aborted');
    else if (outer) follow(outer, this);
  }

  /** For models and tools. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  interrupt(cause: InterruptCause): void {
    if (this.cause) return;
    this.cause = cause;
    this.#controller.abort(this.#outer?.reason);
    this.#leaveOnce();
    for (const reject of this.#waiting) reject(interrupted);
    this.#waiting.clear();
  }

  /** Rejects what is being waited for (a model call that took too long) with `error`; the loop goes on with a fresh signal. */
  giveUp(error: unknown): void {
    if (this.cause) return;
    const old = this.#controller;
    this.#controller = new AbortController();
    this.#leaveOnce();
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
    old.abort();
  }

  #leaveOnce(): void {
    const { leave } = this;
    this.leave = undefined;
    leave?.();
  }

  /** The work's result, or a rejection with {@link interrupted} as soon as the loop has to stop. */
  race<Value>(work: PromiseLike<Value>): Promise<Value> {
    if (this.cause) {
      work.then(undefined, () => undefined);
      return Promise.reject(interrupted);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      work.then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  /** Lets go of the caller's signal. */
  dispose(): void {
    if (this.#outer) unfollow(this.#outer, this);
  }
}

interface Followers {
  readonly guards: Set<AbortGuard>;
  readonly onAbort: () => void;
}

/** The guards of one signal share a listener: a signal searches its whole list at each addition, so a thousand loops would pay a million steps. */
const followersOf = new WeakMap<AbortSignal, Followers>();

function follow(signal: AbortSignal, guard: AbortGuard): void {
  let followers = followersOf.get(signal);
  if (!followers) {
    const guards = new Set<AbortGuard>();
    const onAbort = (): void => {
      followersOf.delete(signal);
      signal.removeEventListener('abort', onAbort);
      for (const one of guards) one.interrupt('aborted');
    };
    followers = { guards, onAbort };
    followersOf.set(signal, followers);
    signal.addEventListener('abort', onAbort);
  }
  followers.guards.add(guard);
}

function unfollow(signal: AbortSignal, guard: AbortGuard): void {
  const followers = followersOf.get(signal);
  if (!followers?.guards.delete(guard) || followers.guards.size > 0) return;
  followersOf.delete(signal);
  signal.removeEventListener('abort', followers.onAbort);
}
