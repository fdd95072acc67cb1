import { randomBytes, scrypt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { GenieError } from '@genie/core/errors';
import { z } from 'zod';
import { writeFileAtomically } from '../write-file-atomically.ts';
import { createFileCipher, type DataKey } from './sealed-file.ts';

export interface CipherOptions {
  /** The user's. At least 8 characters; a sentence is better. Kept in memory only while keys are derived. */
  readonly passphrase: string;
  /** Cost of a guess: scrypt's N, a power of two. Default 32,768 (about 0.1 s and 32 MiB). Applies when keys are made or rotated. */
  readonly scryptCost?: number;
  /**
   * Where the records of a new memory lie. `memory` (default): in the process while open, on disk as an encrypted snapshot and log; for up to
   * about 200 MB. `pages`: in a database file that is encrypted page by page, of any size; needs the package
   * `better-sqlite3-multiple-ciphers`. An existing memory stays what it is.
   */
  readonly records?: 'memory' | 'pages';
}

const defaultCost = 32_768;
const blockSize = 8;
const minPassphraseLength = 8;

const keyFileSchema = z.object({
  version: z.literal(1),
  kdf: z.object({
    name: z.literal('scrypt'),
    cost: z
      .number()
      .int()
      .min(1_024)
      .max(2 ** 22),
    blockSize: z.literal(blockSize),
    salt: z.string(),
  }),
  keys: z.array(z.object({ generation: z.number().int().min(1), sealed: z.string() })).min(1),
});

/** The data keys of a memory, wrapped with a key from the passphrase (scrypt, RFC 7914). Undefined when the file is not there. */
export async function readKeyFile(file: string, { passphrase }: CipherOptions): Promise<DataKey[] | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const content = parseKeyFile(file, text);
  const wrapping = await deriveKey(passphrase, Buffer.from(content.kdf.salt, 'base64'), content.kdf.cost);
  const cipher = createFileCipher([{ generation: 0, key: wrapping }]);
  return content.keys.map(({ generation, sealed }) => {
    try {
      return { generation, key: cipher.decrypt(Buffer.from(sealed, 'base64'), `data key:${generation}`) };
    } catch (error) {
      throw new GenieError(
        'GENIE_MEMORY_CIPHER',
        'The passphrase does not open this memory. Nothing was changed; try another one.',
        {
          cause: error,
          details: { file },
        },
      );
    }
  });
}

function parseKeyFile(file: string, text: string): z.infer<typeof keyFileSchema> {
  try {
    return keyFileSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new GenieError(
      'GENIE_MEMORY_CORRUPT',
      `${file} is not a key file. Without it the memory cannot be opened; restore it from a backup.`,
      {
        cause: error,
        details: { file },
      },
    );
  }
}

/** Wraps the keys anew, under a fresh salt. Durable when it resolves. */
export async function writeKeyFile(file: string, keys: readonly DataKey[], options: CipherOptions): Promise<void> {
  const cost = checkCipherOptions(options);
  const salt = randomBytes(16);
  const cipher = createFileCipher([{ generation: 0, key: await deriveKey(options.passphrase, salt, cost) }]);
  const content: z.infer<typeof keyFileSchema> = {
    version: 1,
    kdf: { name: 'scrypt', cost, blockSize, salt: salt.toString('base64') },
    keys: keys.map(({ generation, key }) => ({
      generation,
      sealed: Buffer.from(cipher.encrypt(key, `data key:${generation}`)).toString('base64'),
    })),
  };
  await writeFileAtomically(file, `${JSON.stringify(content, undefined, 2)}\n`);
}

export function createDataKey(generation: number): DataKey {
  return { generation, key: randomBytes(32) };
}

/** Throws `GENIE_MEMORY_OPTIONS` for a passphrase or a cost that protects nothing. */
export function checkCipherOptions({ passphrase, scryptCost = defaultCost }: CipherOptions): number {
  if (typeof passphrase !== 'string' || passphrase.length < minPassphraseLength) {
    throw new GenieError(
      'GENIE_MEMORY_OPTIONS',
      `The passphrase has ${passphrase?.length ?? 0} characters; use at least ${minPassphraseLength}, better a sentence.`,
    );
  }
  if (!Number.isInteger(Math.log2(scryptCost)) || scryptCost < 1_024 || scryptCost > 2 ** 22) {
    throw new GenieError(
      'GENIE_MEMORY_OPTIONS',
      `scryptCost is ${scryptCost}; use a power of two from 1024 to 4194304.`,
    );
  }
  return scryptCost;
}

function deriveKey(passphrase: string, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const limits = { N: cost, r: blockSize, p: 1, maxmem: 256 * cost * blockSize };
    scrypt(passphrase.normalize('NFKC'), salt, 32, limits, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
