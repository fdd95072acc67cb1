import { GenieError } from '@genie/core/errors';
import type { ObjectInfo, ObjectStore } from '@genie/core/ports';
import { readKey } from '../object-key.ts';
import { type PresignedRequest, type PresignRequest, presign } from './presign.ts';
import { readVerified } from './read-verified.ts';
import { createS3Client, loadS3, type S3ClientOptions } from './s3-client.ts';
import type { S3Deps } from './s3-deps.ts';
import { failed } from './s3-failure.ts';
import { readInfo, toInfo } from './s3-info.ts';
import { uploadContent } from './upload-content.ts';

export interface S3ObjectsOptions extends S3ClientOptions {
  readonly bucket: string;
  /** What every key of this store begins with, e.g. `genies/news`. Other prefixes are neither seen nor touched. */
  readonly prefix?: string;
  /** Size of the parts of a large object, held in memory one at a time. From 5 MiB (the least S3 takes), which is the default. */
  readonly partBytes?: number;
  /** Keys asked for with one call of a list. Default 1,000, the most that S3 gives. */
  readonly pageKeys?: number;
  /** Longest time for one call, and between two pieces of a stream. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface S3Lifecycle {
  /** Objects are removed by the server after so many days. */
  readonly expireAfterDays?: number;
  /** Parts of uploads that nobody finished. Default 1. */
  readonly abortUploadsAfterDays?: number;
}

/** An object store in a bucket, with what only S3 has. */
export interface S3Objects extends ObjectStore {
  /** A URL that lets its holder read or write one object for a while. Rejects with `GENIE_ADAPTER_PEER`, `GENIE_OBJECT_KEY`. */
  presign(request: PresignRequest): Promise<PresignedRequest>;
  /** Sets the rule of this prefix, leaving the bucket's other rules as they are. */
  setLifecycle(lifecycle: S3Lifecycle): Promise<void>;
}

const leastPartBytes = 5 * 2 ** 20;

/**
 * Objects in an S3 bucket. Content is streamed in parts, seen whole or not at all, and checked against its SHA-256 whenever it is read.
 *
 * Rejects with `GENIE_ADAPTER_PEER` (the SDK is not installed), `GENIE_OBJECT_KEY` (a bad prefix), `GENIE_OBJECT_STORE` (a part size that S3
 * does not take); its methods with the codes of `ObjectStore`.
 */
export async function createS3Objects(options: S3ObjectsOptions): Promise<S3Objects> {
  const library = await loadS3();
  const { bucket, partBytes = leastPartBytes, timeoutMs = 30_000 } = options;
  if (!(partBytes >= leastPartBytes)) {
    throw new GenieError(
      'GENIE_OBJECT_STORE',
      `partBytes is ${partBytes}: S3 takes parts from ${leastPartBytes} bytes on.`,
    );
  }
  const deps: S3Deps = {
    library,
    client: options.client ?? createS3Client(library, options),
    bucket,
    prefix: options.prefix ? `${readKey(options.prefix.replace(/\/$/, '')).join('/')}/` : '',
    partBytes,
    timeoutMs,
    pageKeys: options.pageKeys ?? 1_000,
    limit: (signal) => {
      const timer = AbortSignal.timeout(timeoutMs);
      return { abortSignal: signal ? AbortSignal.any([signal, timer]) : timer };
    },
  };
  return fromDeps(deps, () => (options.client ? undefined : deps.client.destroy()));
}

function fromDeps(deps: S3Deps, destroy: () => void): S3Objects {
  const { library, client, bucket, prefix, limit } = deps;
  const place = (key: string) => ({ Bucket: bucket, Key: prefix + readKey(key).join('/') });
  const guard = <T>(signal: AbortSignal | undefined, work: () => Promise<T>) => guarded(bucket, signal, work);
  const head = (key: string) => {
    const where = place(key);
    return guard(undefined, async () => {
      const found = await unlessMissing(client.send(new library.HeadObjectCommand(where), limit()));
      return found && toInfo(key, found);
    });
  };
  return {
    async put(key, content, { contentType = 'application/octet-stream', signal } = {}) {
      const where = place(key);
      signal?.throwIfAborted();
      return guard(signal, () => uploadContent(deps, { key, where, content, contentType, signal }));
    },
    async get(key, { signal } = {}) {
      const where = place(key);
      return guard(signal, async () => {
        // The time limit of the call must not end a long download: that has its own, between two pieces.
        const found = await unlessMissing(
          client.send(new library.GetObjectCommand(where), signal ? { abortSignal: signal } : {}),
        );
        if (!found) return undefined;
        const info = toInfo(key, found);
        return { info, content: readVerified(found.Body, info, { timeoutMs: deps.timeoutMs, bucket, signal }) };
      });
    },
    head: async (key) => head(key),
    list: (wanted = '') => list(deps, wanted),
    async delete(key) {
      const where = place(key);
      return guard(undefined, async () => {
        const found = await unlessMissing(client.send(new library.HeadObjectCommand(where), limit()));
        if (!found) return false;
        await client.send(new library.DeleteObjectCommand(where), limit());
        return true;
      });
    },
    presign: async (request) => presign(deps, place(request.key), request),
    setLifecycle: (lifecycle) => guard(undefined, () => setLifecycle(deps, lifecycle)),
    close: async () => destroy(),
  };
}

async function* list(deps: S3Deps, wanted: string): AsyncGenerator<ObjectInfo> {
  const { library, client, bucket, prefix, limit, pageKeys } = deps;
  // By the last key and not by the server's token, which not every server can read again.
  let StartAfter: string | undefined;
  do {
    const input = {
      Bucket: bucket,
      Prefix: prefix + wanted,
      MaxKeys: pageKeys,
      ...(StartAfter === undefined ? {} : { StartAfter }),
    };
    const page = await guarded(bucket, undefined, () => client.send(new library.ListObjectsV2Command(input), limit()));
    const keys = (page.Contents ?? []).flatMap(({ Key }) => Key ?? []);
    yield* readInfo(
      deps,
      keys.map((key) => key.slice(prefix.length)),
    );
    StartAfter = page.IsTruncated ? keys.at(-1) : undefined;
  } while (StartAfter !== undefined);
}

async function setLifecycle({ library, client, bucket, prefix, limit }: S3Deps, lifecycle: S3Lifecycle): Promise<void> {
  const id = `genie ${prefix || '(all)'}`;
  const present = await client
    .send(new library.GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), limit())
    .catch((error: unknown) => {
      if ((error as { name?: unknown }).name === 'NoSuchLifecycleConfiguration') return { Rules: [] };
      throw error;
    });
  const { expireAfterDays, abortUploadsAfterDays = 1 } = lifecycle;
  const rule = {
    ID: id,
    Status: 'Enabled' as const,
    Filter: { Prefix: prefix },
    ...(expireAfterDays === undefined ? {} : { Expiration: { Days: expireAfterDays } }),
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: abortUploadsAfterDays },
  };
  const Rules = [...(present.Rules ?? []).filter(({ ID }) => ID !== id), rule];
  await client.send(
    new library.PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: { Rules } }),
    limit(),
  );
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { name, $metadata } = error as { name?: unknown; $metadata?: { httpStatusCode?: number } };
    if (name === 'NotFound' || name === 'NoSuchKey' || (name !== 'NoSuchBucket' && $metadata?.httpStatusCode === 404))
      return undefined;
    throw error;
  }
}

async function guarded<T>(bucket: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw GenieError.isInstance(error) ? error : failed(bucket, error);
  }
}
