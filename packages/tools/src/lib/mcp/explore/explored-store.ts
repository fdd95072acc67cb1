import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { z } from 'zod';
import type { ServerExploration } from './exploration.ts';

const called = { tool: z.string(), at: z.number(), tookMs: z.number(), sample: z.string() };
const toolSchema = z.discriminatedUnion('outcome', [
  z.object({ ...called, outcome: z.literal('answers'), sizeBytes: z.number() }),
  z.object({ ...called, outcome: z.literal('fails'), code: z.string() }),
  z.object({
    tool: z.string(),
    outcome: z.literal('skipped'),
    why: z.enum(['not-read-only', 'needs-arguments', 'asks-first', 'withheld', 'budget', 'unavailable', 'stopped']),
    needs: z.array(z.string()).optional(),
  }),
]);
const fileSchema = z.object({
  version: z.literal(1),
  servers: z.record(z.string(), z.object({ at: z.number(), tools: z.array(toolSchema) })),
});
type Stored = z.output<typeof fileSchema>;

/** What is known of the servers of one genie. Samples in it may be private: only its owner may read the file. */
export interface Explorations {
  all(): Promise<readonly ServerExploration[]>;
  read(server: string): Promise<ServerExploration | undefined>;
  /** Replaces what was known of the server. Durable when it resolves. */
  write(server: string, exploration: ServerExploration): Promise<void>;
  forget(server: string): Promise<void>;
}

/** Explorations in a file `explored.json` of `dir`. Rejects with `GENIE_MCP_STORE` when it is damaged. */
export function openExplorations({ dir }: { readonly dir: string }): Explorations {
  const file = path.join(dir, 'explored.json');
  return {
    all: async () => Object.values((await readStored(file)).servers),
    async read(server) {
      const { servers } = await readStored(file);
      return Object.hasOwn(servers, server) ? servers[server] : undefined;
    },
    async write(server, exploration) {
      const { servers } = await readStored(file);
      const kept = structuredClone(exploration) as Stored['servers'][string];
      await writeStored(file, { version: 1, servers: { ...servers, [server]: kept } });
    },
    async forget(server) {
      const { servers } = await readStored(file);
      if (!Object.hasOwn(servers, server)) return;
      const { [server]: _forgotten, ...rest } = servers;
      await writeStored(file, { version: 1, servers: rest });
    },
  };
}

async function readStored(file: string): Promise<Stored> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { version: 1, servers: {} };
  try {
    return fileSchema.parse(parseJson(text));
  } catch (error) {
    throw new GenieError('GENIE_MCP_STORE', `${file} is damaged. Remove it, and explore the servers anew.`, {
      cause: error,
    });
  }
}

async function writeStored(file: string, stored: Stored): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, `${JSON.stringify(stored)}\n`, { mode: 0o600, flush: true });
  await rename(draft, file);
}
