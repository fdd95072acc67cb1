import type { Clock } from '@genie/core/ports';
import type { GrantBook } from './grant-book.ts';

/** Cuts what is open under a grant when the grant is gone. */
export interface GrantWatch {
  /** Calls `cut` once when the grant is revoked or expires; the returned function stops watching. */
  watch(grantId: string, cut: () => void): () => void;
  /** Looks now, e.g. after a revocation in this process. */
  check(): Promise<void>;
  /** Cuts nothing and stops looking. */
  stop(): void;
}

/** Other processes revoke by writing to the store, so it is read every `pollMs` while something is open. */
export function createGrantWatch(book: GrantBook, clock: Clock, pollMs: number): GrantWatch {
  const open = new Map<string, Set<() => void>>();
  let cancel: (() => void) | undefined;
  const plan = (): void => {
    if (cancel !== undefined || open.size === 0) return;
    cancel = clock.schedule(pollMs, () => {
      cancel = undefined;
      check().then(plan, plan);
    });
  };
  const check = async (): Promise<void> => {
    for (const [grantId, cuts] of [...open]) {
      if (await book.isValid(grantId)) continue;
      open.delete(grantId);
      for (const cut of cuts) cut();
    }
  };
  return {
    watch(grantId, cut) {
      const cuts = open.get(grantId) ?? new Set();
      open.set(grantId, cuts.add(cut));
      plan();
      return () => {
        cuts.delete(cut);
        if (cuts.size === 0) open.delete(grantId);
      };
    },
    check,
    stop() {
      open.clear();
      cancel?.();
    },
  };
}
