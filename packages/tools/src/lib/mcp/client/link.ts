import { setTimeout as sleep } from 'node:timers/promises';
import { describeThrown, GenieError } from '@genie/core/errors';
import { createServerBudgets } from './answer-server.ts';
import type { CallGuard } from './call-guard.ts';
import type { ResolvedConnectOptions } from './connect-options.ts';
import { type Era, type OpenClient, openClient } from './open-client.ts';
import { shareWork } from './shared-work.ts';

export interface Link {
  /** The open connection; opens one when there is none, with pauses between the attempts. */
  acquire(signal: AbortSignal): Promise<OpenClient>;
  /** Counts a use, so that an idle program can be ended. */
  use<Value>(work: () => Promise<Value>): Promise<Value>;
  /** Ends the connection that failed, unless another has taken its place; the next call opens another. */
  reset(failed?: OpenClient): Promise<void>;
  readonly current: OpenClient | undefined;
  /** Resolves when every connection that was ever opened has ended. */
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly options: ResolvedConnectOptions;
  readonly guard: CallGuard;
  readonly onOpen: (open: OpenClient, signal: AbortSignal) => Promise<void>;
  readonly onListChanged: () => void;
}

const legacyVerdictMs = 24 * 60 * 60_000;

/** One connection at a time to one server, opened when needed and again when it was lost. */
export function createLink({ options, guard, onOpen, onListChanged }: LinkOptions): Link {
  const { clock } = options;
  const closed = new AbortController();
  const budgets = createServerBudgets(options);
  const ending = new Set<Promise<unknown>>();
  let current: OpenClient | undefined;
  let uses = 0;
  let cancelIdle: () => void = () => undefined;

  const connect = async (signal: AbortSignal): Promise<OpenClient> => {
    const known = await knownEra(options);
    signal.throwIfAborted();
    let isLost = false;
    const onClose = (): void => {
      isLost = true;
      if (current === open) current = undefined;
    };
    const open = await openClient({ options, guard, budgets, known, signal, onListChanged, onClose });
    try {
      if (open.era !== known) await rememberEra(options, open.era);
      await onOpen(open, signal);
      signal.throwIfAborted();
      if (isLost) throw new GenieError('GENIE_MCP_CONNECTION', `The server ${options.name} ended while it was read.`);
    } catch (error) {
      await end(open);
      throw error;
    }
    current = open;
    return open;
  };
  const opening = shareWork(() => track(withAttempts(() => connect(closed.signal), options, closed.signal)));
  /** What is still starting or ending is waited for at the end. */
  const track = <Value>(work: Promise<Value>): Promise<Value> => {
    ending.add(work);
    const done = (): boolean => ending.delete(work);
    work.then(done, done);
    return work;
  };
  const end = (open: OpenClient): Promise<void> =>
    track(open.close().catch((error: unknown) => options.onError?.(asError(error))));
  const restIdle = (): void => {
    cancelIdle();
    if (uses > 0 || options.command === undefined || options.idleMs === Number.POSITIVE_INFINITY) return;
    cancelIdle = clock.schedule(options.idleMs, () => void link.reset());
  };
  const link: Link = {
    async acquire(signal) {
      closed.signal.throwIfAborted();
      return current ?? opening.join(AbortSignal.any([signal, closed.signal]));
    },
    async use(work) {
      uses += 1;
      cancelIdle();
      try {
        return await work();
      } finally {
        uses -= 1;
        restIdle();
      }
    },
    async reset(failed = current) {
      if (failed === undefined || failed !== current) return;
      current = undefined;
      await end(failed);
    },
    get current() {
      return current;
    },
    async close() {
      cancelIdle();
      closed.abort(new GenieError('GENIE_MCP_CLOSED', `The connection to ${options.name} was closed.`));
      await link.reset();
      await Promise.allSettled([...ending]);
    },
  };
  return link;
}

/** Pauses of 100, 200, 400 … ms, up to 3 s, with some randomness so that many clients do not return as one. */
async function withAttempts(
  connect: () => Promise<OpenClient>,
  { maxAttempts, name }: ResolvedConnectOptions,
  signal: AbortSignal,
): Promise<OpenClient> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect();
    } catch (error) {
      signal.throwIfAborted();
      if (!isWorthRepeating(error)) throw error;
      if (attempt >= maxAttempts)
        throw new GenieError('GENIE_MCP_UNREACHABLE', `${describeThrown(error)} ${attempt} attempts were made.`, {
          cause: error,
          details: { server: name, attempts: attempt },
        });
      await sleep(Math.min(3_000, 50 * 2 ** attempt) * (0.75 + Math.random() / 2), undefined, { signal });
    }
  }
}

/** Refusals stay refusals: egress, approvals, authorization. */
function isWorthRepeating(error: unknown): boolean {
  return !GenieError.isInstance(error) || error.code === 'GENIE_MCP_CONNECTION' || error.code === 'GENIE_MCP_TIMEOUT';
}

async function knownEra({ store, name, clock }: ResolvedConnectOptions): Promise<Era | undefined> {
  const era = (await store.read(name))?.era;
  // A server that was updated speaks the new protocol too: look again after a day.
  if (!era || (era.kind === 'legacy' && clock.now() - era.at > legacyVerdictMs)) return undefined;
  return era.kind;
}

async function rememberEra({ store, name, clock }: ResolvedConnectOptions, kind: Era): Promise<void> {
  const record = await store.read(name);
  await store.write(name, { version: 1, ...record, era: { kind, at: clock.now() } });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(describeThrown(error));
}
