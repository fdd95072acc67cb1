import { GenieError } from '@genie/core/errors';
import type { ObjectInfo } from '@genie/core/ports';
import { isKey } from '../object-key.ts';
import type { S3Deps } from './s3-deps.ts';

/** Our SHA-256 in the metadata of an object. */
export const checksumName = 'genie-sha256';

interface Answer {
  readonly ContentLength?: number | undefined;
  readonly ContentType?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
}

/** Throws `GENIE_OBJECT_CORRUPT` for an object without our checksum: it was put there by something else. */
export function toInfo(key: string, { ContentLength, ContentType, LastModified, Metadata }: Answer): ObjectInfo {
  const sha256 = Metadata?.[checksumName];
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new GenieError(
      'GENIE_OBJECT_CORRUPT',
      `Object "${key}" cannot be used: it has no checksum, so another program stored it. Store it through this adapter.`,
    );
  }
  return {
    key,
    sizeBytes: ContentLength ?? 0,
    sha256,
    contentType: ContentType ?? 'application/octet-stream',
    storedAt: LastModified?.getTime() ?? 0,
  };
}

/** Asked for at the same time; a list does not hold what is needed. */
const atOnce = 16;

/** The objects of a page of a list, in its order. What is no key of ours, or was removed meanwhile, is left out. */
export async function* readInfo(deps: S3Deps, keys: readonly string[]): AsyncGenerator<ObjectInfo> {
  const ours = keys.filter(isKey);
  for (let start = 0; start < ours.length; start += atOnce) {
    const infos = await Promise.all(ours.slice(start, start + atOnce).map((key) => headOrNothing(deps, key)));
    for (const info of infos) if (info) yield info;
  }
}

async function headOrNothing(
  { library, client, bucket, prefix, limit }: S3Deps,
  key: string,
): Promise<ObjectInfo | undefined> {
  try {
    return toInfo(
      key,
      await client.send(new library.HeadObjectCommand({ Bucket: bucket, Key: prefix + key }), limit()),
    );
  } catch (error) {
    if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return undefined;
    if (GenieError.isInstance(error) && error.code === 'GENIE_OBJECT_CORRUPT') return undefined;
    throw error;
  }
}
