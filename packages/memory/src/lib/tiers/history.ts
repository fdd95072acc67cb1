import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describeThrown, GenieError } from '@genie/core/errors';
import { type JsonValue, parseJson } from '@genie/core/ports';
import type { FileCipher } from '../cipher/file-cipher.ts';
import { writeFileAtomically } from '../write-file-atomically.ts';

/** Compressed logs of past runs, one file each, written once and changed only by forgetting. */
export interface HistoryLog {
  write(runId: string, json: string): Promise<void>;
  read(runId: string): Promise<JsonValue | undefined>;
  list(): Promise<readonly { readonly runId: string; readonly sizeBytes: number }[]>;
  remove(runId: string): Promise<void>;
  /** Writes every file again, e.g. under a new key. */
  rewrite(): Promise<void>;
}

const maxHistoryBytes = 256 * 1024 * 1024;

/** The `history/` folder; keeps nothing without one. zstd where node:zlib has it, brotli otherwise; both are readable anywhere. */
export function openHistory(folder: string | undefined, cipher?: FileCipher): HistoryLog {
  if (folder === undefined) return nullHistory;
  const fileOf = (runId: string): string => path.join(folder, `${encodeName(runId)}.run`);
  const save = async (runId: string, json: string): Promise<void> => {
    await mkdir(folder, { recursive: true });
    const packed = pack(new TextEncoder().encode(json));
    await writeFileAtomically(fileOf(runId), cipher ? cipher.encrypt(packed, `history:${runId}`) : packed);
  };
  const load = async (runId: string): Promise<string | undefined> => {
    const file = fileOf(runId);
    try {
      const bytes: Uint8Array = await readFile(file);
      return new TextDecoder().decode(unpack(cipher ? cipher.decrypt(bytes, `history:${runId}`) : bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (GenieError.isInstance(error)) throw error;
      throw new GenieError(
        'GENIE_MEMORY_CORRUPT',
        `${file} cannot be read (${describeThrown(error)}). Remove it; memories are not affected.`,
        {
          cause: error,
          details: { file },
        },
      );
    }
  };
  const list = async (): Promise<{ runId: string; sizeBytes: number }[]> => {
    const names = await readdir(folder).catch(() => []);
    const runs = names.filter((name) => name.endsWith('.run')).sort();
    return Promise.all(
      runs.map(async (name) => ({
        runId: decodeName(name.slice(0, -4)),
        sizeBytes: (await stat(path.join(folder, name))).size,
      })),
    );
  };
  return {
    write: save,
    list,
    async read(runId) {
      const json = await load(runId);
      return json === undefined ? undefined : (parseJson(json) as JsonValue);
    },
    remove: (runId) => rm(fileOf(runId), { force: true }),
    async rewrite() {
      for (const { runId } of await list()) {
        const json = await load(runId);
        if (json !== undefined) await save(runId, json);
      }
    },
  };
}

const nullHistory: HistoryLog = {
  write: async () => undefined,
  read: async () => undefined,
  list: async () => [],
  remove: async () => undefined,
  rewrite: async () => undefined,
};

/** First byte: the method. */
const methods = { brotli: 1, zstd: 2 } as const;

function pack(bytes: Uint8Array): Uint8Array {
  const hasZstd = typeof zstdCompressSync === 'function';
  const packed = hasZstd
    ? zstdCompressSync(bytes)
    : brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
  return Buffer.concat([Uint8Array.of(hasZstd ? methods.zstd : methods.brotli), packed]);
}

function unpack(bytes: Uint8Array): Uint8Array {
  const limit = { maxOutputLength: maxHistoryBytes };
  if (bytes[0] === methods.zstd) return zstdDecompressSync(bytes.subarray(1), limit);
  if (bytes[0] === methods.brotli) return brotliDecompressSync(bytes.subarray(1), limit);
  throw new Error(`unknown compression method ${bytes[0]}`);
}

/** A file name on every platform that leads back to the run id; no id can leave the folder. */
function encodeName(runId: string): string {
  return encodeURIComponent(runId).replace(
    /[.!'()*~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function decodeName(name: string): string {
  return decodeURIComponent(name);
}
