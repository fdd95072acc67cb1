import { GenieError } from '@genie/core/errors';
import type { JsonValue, WorkingMemory } from '@genie/core/ports';
import { type Memory, type MemoryOptions, openMemory, type RecordStore } from '@genie/memory';
import type { WorkingValues } from './working-values.ts';

/** What `openMemory` takes, without the place: that is the database. */
export type PostgresMemoryOptions = Omit<MemoryOptions, 'dir' | 'store' | 'cipher' | 'durability'>;

export interface OpenPostgresMemoryDeps extends PostgresMemoryOptions {
  readonly store: RecordStore;
  readonly working: WorkingValues;
}

/**
 * A memory whose records and working values are both in the database. `openMemory({ store })` alone keeps working values as long as the process.
 * Errors as those of `openMemory`.
 */
export function openPostgresMemory({ store, working, ...options }: OpenPostgresMemoryDeps): Memory {
  let isClosed = false;
  let seen: ReadonlyMap<string, JsonValue> = new Map();
  let forgetting: Promise<unknown> = Promise.resolve();
  const memory = openMemory({
    ...options,
    store: {
      ...store,
      async commit(batch, committing) {
        // Before the records go: whoever is killed in between finds them and forgets again.
        if (batch.remove?.length) await dropRedacted(seen, memory.working, working);
        return store.commit(batch, committing);
      },
    },
  });
  const open = (): WorkingValues => {
    if (!isClosed) return working;
    throw new GenieError('GENIE_MEMORY_CLOSED', 'The memory is closed. Open it again with openMemory().');
  };
  const close = (): Promise<void> => {
    isClosed = true;
    return memory.close();
  };
  return {
    ...memory,
    working: {
      get: async (key) => open().get(key),
      set: async (key, value) => open().set(key, value),
      delete: async (key) => open().delete(key),
    },
    forget(selector, forgetOptions) {
      const next = forgetting.then(async () => {
        seen = await lend(await open().all(), seen, memory.working);
        return memory.forget(selector, forgetOptions);
      });
      forgetting = next.catch(() => undefined);
      return next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Forgetting looks into the memory's own working values, so it gets a copy of the present ones. */
async function lend(
  values: ReadonlyMap<string, JsonValue>,
  before: ReadonlyMap<string, JsonValue>,
  own: WorkingMemory,
): Promise<ReadonlyMap<string, JsonValue>> {
  for (const key of before.keys()) if (!values.has(key)) await own.delete(key);
  for (const [key, value] of values) await own.set(key, value);
  return values;
}

async function dropRedacted(
  seen: ReadonlyMap<string, JsonValue>,
  own: WorkingMemory,
  working: WorkingValues,
): Promise<void> {
  for (const key of seen.keys()) if ((await own.get(key)) === undefined) await working.delete(key);
}
