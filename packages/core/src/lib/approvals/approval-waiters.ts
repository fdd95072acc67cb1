import type { Clock } from '../ports/clock.ts';
import type { ApprovalStore } from './approval-store.ts';
import type { Approval } from './approvals.ts';

interface WaitersDeps {
  readonly store: Pick<ApprovalStore, 'watch' | 'pollMs'>;
  readonly clock: Clock;
  /** The settled approval, or when the pending one expires. */
  check(id: string): Promise<Approval | { readonly expiresAt: number }>;
}

interface Waiter {
  readonly id: string;
  resolve(approval: Approval): void;
  reject(error: unknown): void;
}

export interface ApprovalWaiters {
  wait(id: string, signal?: AbortSignal): Promise<Approval>;
  /** Something changed in this process: look now. */
  poke(): void;
  close(error: unknown): void;
}

/** The longest pause between two looks: it catches changes that the watch lost and clocks that jumped. */
const longestPauseMs = 2_000;

/**
 * Everybody who waits for a decision, on one watch and one timer. Both exist only while somebody waits, and keep the
 * process alive for as long.
 */
export function createWaiters({ store, clock, check }: WaitersDeps): ApprovalWaiters {
  const waiters = new Set<Waiter>();
  let stopWatching: (() => void) | undefined;
  let cancelTimer: (() => void) | undefined;
  let looking = false;
  let lookAgain = false;

  function start(): void {
    if (stopWatching) return;
    const keepAlive = setInterval(() => undefined, 1_000_000_000);
    const unwatch = store.watch(look);
    stopWatching = () => {
      clearInterval(keepAlive);
      unwatch();
    };
  }

  function remove(waiter: Waiter): void {
    waiters.delete(waiter);
    if (waiters.size > 0) return;
    stopWatching?.();
    stopWatching = undefined;
    cancelTimer?.();
    cancelTimer = undefined;
  }

  function look(): void {
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = true;
    void lookOnce().finally(() => {
      looking = false;
      if (!lookAgain) return;
      lookAgain = false;
      look();
    });
  }

  async function lookOnce(): Promise<void> {
    let nextExpiry = Number.POSITIVE_INFINITY;
    for (const waiter of [...waiters]) {
      try {
        const found = await check(waiter.id);
        if ('status' in found) settle(waiter, () => waiter.resolve(found));
        else nextExpiry = Math.min(nextExpiry, found.expiresAt);
      } catch (error) {
        settle(waiter, () => waiter.reject(error));
      }
    }
    cancelTimer?.();
    cancelTimer = undefined;
    if (waiters.size === 0) return;
    const pauseMs = Math.min(store.pollMs() ?? longestPauseMs, Math.max(1, nextExpiry - clock.now()));
    cancelTimer = clock.schedule(pauseMs, look);
  }

  function settle(waiter: Waiter, answer: () => void): void {
    if (!waiters.has(waiter)) return;
    remove(waiter);
    answer();
  }

  return {
    wait(id, signal) {
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          id,
          resolve(approval) {
            signal?.removeEventListener('abort', onAbort);
            resolve(approval);
          },
          reject(error) {
            signal?.removeEventListener('abort', onAbort);
            reject(error);
          },
        };
        const onAbort = (): void => settle(waiter, () => waiter.reject(signal?.reason));
        if (signal?.aborted) return reject(signal.reason);
        signal?.addEventListener('abort', onAbort);
        waiters.add(waiter);
        start();
        look();
      });
    },
    poke() {
      if (waiters.size > 0) look();
    },
    close(error) {
      for (const waiter of [...waiters]) settle(waiter, () => waiter.reject(error));
    },
  };
}
