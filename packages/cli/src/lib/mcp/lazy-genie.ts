import { setTimeout as sleep } from 'node:timers/promises';
import { GenieError } from '@genie/core/errors';
import type { LazyGenie } from '@genie/tools/mcp';
import type { OpenGenie } from '../../compose.ts';

export interface LazyGenieOptions {
  readonly goal: string;
  /** Rejects while another process has the home; the next use tries again. */
  readonly open: () => Promise<OpenGenie>;
  /** How long an unused genie stays open. Default 1,000: another client of the same genie may be waiting for the home. */
  readonly idleMs?: number;
  /** How long a home that another process has is waited for. Default 20,000. */
  readonly patienceMs?: number;
}

/** Opens a genie with the first use and closes it when it was not used for a while. */
export function createLazyGenie({
  goal,
  open,
  idleMs = 1_000,
  patienceMs = 20_000,
}: LazyGenieOptions): LazyGenie & AsyncDisposable {
  let current: Promise<OpenGenie> | undefined;
  let closing: Promise<void> = Promise.resolve();
  let uses = 0;
  let timer: NodeJS.Timeout | undefined;
  const rest = async (): Promise<void> => {
    clearTimeout(timer);
    const leaving = current;
    current = undefined;
    closing = Promise.all([leaving?.catch(() => undefined), closing]).then(([opened]) => opened?.close());
    return closing;
  };
  return {
    goal,
    async use(work) {
      clearTimeout(timer);
      uses += 1;
      try {
        current ??= closing.catch(() => undefined).then(() => openPatiently(open, patienceMs));
        const opening = current;
        const parts = await opening.catch((error: unknown) => {
          if (current === opening) current = undefined;
          throw error;
        });
        return await work(parts);
      } finally {
        uses -= 1;
        // An unused genie keeps no process running by itself.
        if (uses === 0) timer = setTimeout(() => void rest().catch(() => undefined), idleMs).unref();
      }
    },
    [Symbol.asyncDispose]: rest,
  };
}

/** Several clients of one genie, each with a process of its own, take turns. */
async function openPatiently(open: () => Promise<OpenGenie>, patienceMs: number): Promise<OpenGenie> {
  for (const until = performance.now() + patienceMs; ; ) {
    try {
      return await open();
    } catch (error) {
      if (!GenieError.isInstance(error) || error.code !== 'GENIE_HOME_IN_USE' || performance.now() > until) throw error;
      await sleep(200);
    }
  }
}
