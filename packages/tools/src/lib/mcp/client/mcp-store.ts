import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { z } from 'zod';
import { sha256 } from '../sha256.ts';

const recordSchema = z.object({
  version: z.literal(1),
  era: z.object({ kind: z.enum(['modern', 'legacy']), at: z.number() }).optional(),
  pins: z.record(z.string(), z.string()).optional(),
});

/** What is remembered of a server between connections. */
export interface McpServerRecord {
  readonly version: 1;
  /** Which protocol it spoke, and when (epoch ms). Saves a probe at the next start. */
  readonly era?: { readonly kind: 'modern' | 'legacy'; readonly at: number } | undefined;
  /** Hash of each tool's description and schema as the user accepted it. */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

/** Where records are kept. */
export interface McpStore {
  read(server: string): Promise<McpServerRecord | undefined>;
  /** Durable when it resolves. */
  write(server: string, record: McpServerRecord): Promise<void>;
  /** Forgets a server: what it offers at its next connection is accepted. */
  forget(server: string): Promise<void>;
}

/** Records of this process. */
export function createMemoryMcpStore(): McpStore {
  const records = new Map<string, McpServerRecord>();
  return {
    read: async (server) => records.get(server),
    async write(server, record) {
      records.set(server, record);
    },
    async forget(server) {
      records.delete(server);
    },
  };
}

/**
 * Records in files, one for each server. Throws `GENIE_MCP_STORE` when a file is damaged: forgetting what the user
 * accepted would accept a changed tool.
 */
export function openMcpStore({ dir }: { readonly dir: string }): McpStore {
  const fileOf = (server: string): string => path.join(dir, `${sha256(server).slice(0, 32)}.json`);
  return {
    async read(server) {
      const file = fileOf(server);
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? undefined : parseRecord(text, file);
    },
    async write(server, record) {
      await mkdir(dir, { recursive: true });
      const file = fileOf(server);
      const draft = `${file}.${process.pid}.tmp`;
      await writeFile(draft, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
      await rename(draft, file);
    },
    forget: (server) => rm(fileOf(server), { force: true }),
  };
}

function parseRecord(text: string, file: string): McpServerRecord {
  try {
    return recordSchema.parse(parseJson(text));
  } catch (error) {
    throw new GenieError(
      'GENIE_MCP_STORE',
      `${file} is damaged. Remove it to accept the tools of this server anew: they are then pinned as they are.`,
      { cause: error },
    );
  }
}
