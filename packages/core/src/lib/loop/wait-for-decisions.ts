import type { LoopContext } from './loop-context.ts';

/**
 * Waits in this process until all rows are decided. False when the patience is over first, and when the rows cannot be watched:
 * then the run is put aside like any other that waits. Rejects with `interrupted`.
 */
export async function waitForDecisions(loop: LoopContext, approvalIds: readonly string[]): Promise<boolean> {
  const { approvals, clock, guard, limits } = loop;
  if (!approvals) return false;
  const patience = new AbortController();
  const cancel = clock.schedule(limits.approvalWaitMs, () => patience.abort());
  const stop = () => patience.abort();
  guard.signal.addEventListener('abort', stop, { once: true });
  try {
    const decided = Promise.all(approvalIds.map((id) => approvals.wait(id, { signal: patience.signal })));
    await guard.race(decided);
    return true;
  } catch (error) {
    if (guard.cause) throw error;
    return false;
  } finally {
    cancel();
    guard.signal.removeEventListener('abort', stop);
    patience.abort();
  }
}
