import { GenieError } from '@genie/core/errors';
import type { Database } from '../database.ts';
import type { Presence } from '../presence.ts';
import type { JournalWriter, OnRunFailed } from './journal-writer.ts';

/** One holder's view of its run. */
export interface RunHandle {
  /** Why nothing more can be written, once that is so. */
  readonly failure: GenieError | undefined;
  assertWritable(): void;
  /** Writes what is pending, then gives the run back. Idempotent. */
  release(): void;
}

/** The runs that this process holds, over all genies. */
export interface RunHandles {
  reserve(genie: string, runId: string): () => void;
  isHeld(genie: string, runId: string): boolean;
  hold(genie: string, runId: string, generation: number): RunHandle;
  /** Resolves when a release of this run that is under way has ended. */
  released(genie: string, runId: string): Promise<void>;
  /** Resolves when every release that is under way has ended. */
  settled(): Promise<void>;
  readonly onRunFailed: OnRunFailed;
  /** Gives back every run. */
  close(): Promise<void>;
}

export interface RunHandlesDeps {
  readonly database: Database;
  readonly presence: Presence;
  /** Late, because the writer is made with {@link RunHandles.onRunFailed}. */
  readonly writer: () => JournalWriter;
}

const keyOf = (genie: string, runId: string): string => `${genie}\n${runId}`;

export function createRunHandles(deps: RunHandlesDeps): RunHandles {
  const held = new Map<string, { handle?: MutableHandle; generation: number }>();
  const releasing = new Map<string, Promise<void>>();

  function release(genie: string, runId: string, handle: MutableHandle): void {
    const key = keyOf(genie, runId);
    const entry = held.get(key);
    if (entry?.handle !== handle) return;
    held.delete(key);
    const work = giveBack(deps, { genie, runId, generation: entry.generation }).finally(() => {
      if (releasing.get(key) === work) releasing.delete(key);
    });
    releasing.set(key, work);
  }

  return {
    reserve(genie, runId) {
      const key = keyOf(genie, runId);
      const entry = { generation: 0 };
      held.set(key, entry);
      return () => {
        if (held.get(key) === entry) held.delete(key);
      };
    },
    isHeld: (genie, runId) => held.has(keyOf(genie, runId)),
    hold(genie, runId, generation) {
      const handle: MutableHandle = {
        failure: undefined,
        isReleased: false,
        assertWritable() {
          if (handle.failure) throw handle.failure;
          if (handle.isReleased) throw releasedError(runId);
        },
        release() {
          if (handle.isReleased) return;
          handle.isReleased = true;
          release(genie, runId, handle);
        },
      };
      held.set(keyOf(genie, runId), { handle, generation });
      return handle;
    },
    async released(genie, runId) {
      await releasing.get(keyOf(genie, runId));
    },
    async settled() {
      await Promise.all(releasing.values());
    },
    onRunFailed(part, error) {
      const entry = held.get(keyOf(part.genie, part.runId));
      if (entry?.handle && entry.generation === part.generation) entry.handle.failure ??= error;
    },
    async close() {
      for (const { handle } of [...held.values()]) handle?.release();
      await Promise.all(releasing.values());
    },
  };
}

interface MutableHandle extends RunHandle {
  failure: GenieError | undefined;
  isReleased: boolean;
}

interface HeldKey {
  readonly genie: string;
  readonly runId: string;
  readonly generation: number;
}

/** Never rejects: a run that cannot be given back is free once this process counts as gone. */
async function giveBack(
  { database, presence, writer }: RunHandlesDeps,
  { genie, runId, generation }: HeldKey,
): Promise<void> {
  const { tables, tenant } = database;
  await writer().flushed();
  await database
    .transaction(async (session) => {
      const key = [tenant, genie, runId];
      await session.query(
        `UPDATE ${tables.runs} SET holder = NULL WHERE tenant = $1 AND genie = $2 AND run_id = $3 AND generation = $4 AND holder = $5`,
        [...key, generation, presence.holder],
      );
    })
    .catch(() => undefined);
}

function releasedError(runId: string): GenieError {
  return new GenieError('GENIE_JOURNAL_FAILED', `Run "${runId}" was released here. Open it again to write.`, {
    details: { runId },
  });
}
