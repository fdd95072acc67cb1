import crypto from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** s3rver has no declarations. What is used of it; loaded here, because only tests have it. */
type S3Server = new (
  options: object,
) => { readonly store: S3Store; run(): Promise<{ readonly port: number }>; close(): Promise<void> };

interface S3Store {
  getResourcePath(bucket: string, key: string, resource: 'object'): string;
  getObject(bucket: string, key: string, options?: object): Promise<unknown>;
  putObject(object: { readonly bucket: string; readonly key: string }): Promise<{ readonly size: number }>;
}

const load = createRequire(import.meta.url);

export interface S3ForTests {
  /** For `createS3Objects`; the bucket is `tests`. */
  readonly options: {
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Where the server keeps its buckets. */
  readonly dir: string;
  close(): Promise<void>;
}

/** The server hides its tokens of pages by DES, which today's OpenSSL has no more. Any other cipher does as well. */
function replaceOldCipher(): void {
  const real = crypto.createCipheriv;
  const twice = (half: unknown) => Buffer.concat([half as Buffer, half as Buffer]);
  const replaced = (name: string, key: unknown, vector: unknown) =>
    name === 'des'
      ? real('aes-128-cbc', twice(key), twice(vector))
      : real(name, key as Parameters<typeof real>[1], vector as Parameters<typeof real>[2]);
  Object.assign(crypto, { createCipheriv: replaced });
}

/**
 * S3 changes one key at a time and whole; this server writes content and metadata of simultaneous puts into each other, and answers before the last
 * byte is in the file. See "Updates to a single key are atomic" in https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html
 */
function keepKeysWhole(store: S3Store): void {
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const next = (turns.get(key) ?? Promise.resolve()).then(work);
    turns.set(
      key,
      next.catch(() => undefined),
    );
    return next;
  };
  const { getObject, putObject } = store;
  store.getObject = (bucket, key, options) =>
    inTurn(`${bucket}/${key}`, () => getObject.call(store, bucket, key, options));
  store.putObject = (object) =>
    inTurn(`${object.bucket}/${object.key}`, async () => {
      const done = await putObject.call(store, object);
      const file = store.getResourcePath(object.bucket, object.key, 'object');
      while ((await stat(file)).size !== done.size) await pause(2);
      return done;
    });
}

/** A real S3 server on loopback. */
export async function startS3(): Promise<S3ForTests> {
  replaceOldCipher();
  const dir = mkdtempSync(join(tmpdir(), 'genie-s3-'));
  const S3rver = load('s3rver') as S3Server;
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: dir,
    configureBuckets: [{ name: 'tests', configs: [] }],
  });
  keepKeysWhole(server.store);
  const { port } = await server.run();
  return {
    options: {
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    },
    dir,
    async close() {
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
