import { existsSync } from 'node:fs';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { RecordStore } from '../store/record-store.ts';
import { configureDatabase, connect, type Durability, SqliteDatabase } from '../store/sqlite-database.ts';
import { createSqliteStore } from '../store/sqlite-store.ts';
import type { FileCipher } from './file-cipher.ts';
import { lockFolder } from './folder-lock.ts';
import { type CipherOptions, checkCipherOptions, createDataKey, readKeyFile, writeKeyFile } from './key-file.ts';
import { openPages, type Pages, usesPages } from './open-pages.ts';
import { createFileCipher, type DataKey } from './sealed-file.ts';
import { openSealedLog } from './sealed-log.ts';

const keyFileName = 'knowledge.key';

export interface Sealed {
  readonly store: RecordStore;
  readonly cipher: FileCipher;
  /** True when a rotation was cut short and its second half is due. */
  readonly isHalfRotated: boolean;
  /** New keys under a new passphrase. `rewrite` writes all other files again; a crash at any point leaves one passphrase that opens everything. */
  rotate(options: CipherOptions, rewrite: () => Promise<void>): Promise<void>;
  finishRotation(options: CipherOptions, rewrite: () => Promise<void>): Promise<void>;
}

/** Throws `GENIE_MEMORY_CIPHER` when a folder is opened with a cipher although it is readable, or the other way round. */
export function checkSealing(folder: string, cipher: CipherOptions | undefined): void {
  const isSealed = existsSync(path.join(folder, keyFileName));
  if (isSealed && !cipher) {
    throw new GenieError('GENIE_MEMORY_CIPHER', `${folder} is encrypted. Pass cipher: { passphrase }.`, {
      details: { folder },
    });
  }
  if (!isSealed && cipher && existsSync(path.join(folder, 'knowledge.db'))) {
    throw new GenieError(
      'GENIE_MEMORY_CIPHER',
      `${folder} is not encrypted. Export it, import it into a new folder opened with a cipher, then remove the old one.`,
      { details: { folder } },
    );
  }
}

/** Opens, or makes, the encrypted records of a folder. */
export async function openSealed(folder: string, options: CipherOptions, durability: Durability): Promise<Sealed> {
  checkCipherOptions(options);
  const keyFile = path.join(folder, keyFileName);
  // Before the keys are looked for: two that make them at once would each write records the other's key file cannot open.
  const release = lockFolder(folder);
  const keys = await openKeys(keyFile, options).catch((error: unknown) => {
    release();
    throw error;
  });
  const cipher = new SwitchableCipher(keys);
  if (usesPages(folder, options)) return openInPages({ folder, keyFile, options, durability, cipher, release });
  return openInMemory({ folder, keyFile, options, durability, cipher, release });
}

async function openKeys(keyFile: string, options: CipherOptions): Promise<readonly DataKey[]> {
  const known = await readKeyFile(keyFile, options);
  if (known) return known;
  const made = [createDataKey(1)];
  await writeKeyFile(keyFile, made, options);
  return made;
}

interface Opening {
  readonly folder: string;
  readonly keyFile: string;
  readonly options: CipherOptions;
  readonly durability: Durability;
  readonly cipher: SwitchableCipher;
  readonly release: () => void;
}

/** Records in the process while open, on disk as a snapshot and a log. */
async function openInMemory({ folder, keyFile, durability, cipher, release }: Opening): Promise<Sealed> {
  const connection = await connect(':memory:');
  const database = new SqliteDatabase(connection, path.join(folder, 'knowledge.db.sealed'));
  try {
    const log = openSealedLog(database, { connection, folder, cipher, durability, onClose: release });
    configureDatabase(database, durability);
    if (log.isNew) log.snapshot();
    const finish = async (current: CipherOptions, rewrite: () => Promise<void>): Promise<void> => {
      log.snapshot();
      await rewrite();
      const newest = newestOf(cipher.keys);
      await writeKeyFile(keyFile, [newest], current);
      cipher.use([newest]);
    };
    return {
      store: createSqliteStore(database, {
        capabilities: { name: 'sqlite-sealed', durable: true, encrypted: true },
        sink: log,
      }),
      cipher,
      isHalfRotated: cipher.keys.length > 1,
      finishRotation: finish,
      async rotate(next, rewrite) {
        checkCipherOptions(next);
        const both = [...cipher.keys, createDataKey(newestOf(cipher.keys).generation + 1)];
        await writeKeyFile(keyFile, both, next);
        cipher.use(both);
        await finish(next, rewrite);
      },
    };
  } catch (error) {
    database.close();
    release();
    throw error;
  }
}

/** The same with an encrypted database file instead of a snapshot and a log. */
async function openInPages({ folder, keyFile, durability, cipher, release }: Opening): Promise<Sealed> {
  let pages: Pages | undefined;
  try {
    pages = await openPages(folder, cipher.keys, durability);
    const opened = pages;
    const finish = async (current: CipherOptions, rewrite: () => Promise<void>): Promise<void> => {
      const newest = newestOf(cipher.keys);
      opened.useKey(newest);
      await rewrite();
      await writeKeyFile(keyFile, [newest], current);
      cipher.use([newest]);
    };
    const store = createSqliteStore(opened.database, {
      capabilities: { name: 'sqlite-pages', durable: true, encrypted: true },
    });
    return {
      store: {
        ...store,
        async close() {
          await store.close();
          release();
        },
      },
      cipher,
      isHalfRotated: cipher.keys.length > 1,
      finishRotation: finish,
      async rotate(next, rewrite) {
        checkCipherOptions(next);
        const both = [...cipher.keys, createDataKey(newestOf(cipher.keys).generation + 1)];
        await writeKeyFile(keyFile, both, next);
        cipher.use(both);
        await finish(next, rewrite);
      },
    };
  } catch (error) {
    pages?.database.close();
    release();
    throw error;
  }
}

function newestOf(keys: readonly DataKey[]): DataKey {
  return keys.reduce((latest, one) => (one.generation > latest.generation ? one : latest));
}

/** One object that all files hold, whatever keys are current. */
class SwitchableCipher implements FileCipher {
  keys: readonly DataKey[];
  #current: FileCipher;

  constructor(keys: readonly DataKey[]) {
    this.keys = keys;
    this.#current = createFileCipher(keys);
  }

  use(keys: readonly DataKey[]): void {
    this.keys = keys;
    this.#current = createFileCipher(keys);
  }

  encrypt(plain: Uint8Array, purpose: string): Uint8Array {
    return this.#current.encrypt(plain, purpose);
  }

  decrypt(sealed: Uint8Array, purpose: string): Uint8Array {
    return this.#current.decrypt(sealed, purpose);
  }
}
