import { createHash, randomUUID } from 'node:crypto';
import type { ObjectInfo } from '@genie/core/ports';
import type { S3Deps } from './s3-deps.ts';
import { checksumName } from './s3-info.ts';

export interface Upload {
  readonly key: string;
  readonly where: { readonly Bucket: string; readonly Key: string };
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  readonly contentType: string;
  readonly signal: AbortSignal | undefined;
}

interface Received {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * What fits into one part is sent at once. More goes in parts under a name of its own, because its checksum, which belongs to the metadata,
 * is known at the end only; then the server copies it to its key, which shows it whole.
 */
export async function uploadContent(deps: S3Deps, upload: Upload): Promise<ObjectInfo> {
  const { key, contentType, content, signal } = upload;
  const parts = readParts(content instanceof Uint8Array ? [content] : content, deps.partBytes, signal);
  const first = await parts.next();
  const second = first.done ? first : await parts.next();
  let received: Received;
  if (second.done) {
    const body = first.done ? new Uint8Array() : first.value;
    received = { sizeBytes: body.byteLength, sha256: createHash('sha256').update(body).digest('hex') };
    await putWhole(deps, upload, { body, sha256: received.sha256 });
  } else {
    received = await uploadLarge(deps, upload, chain(first.value as Uint8Array, second.value, parts));
  }
  return { key, ...received, contentType, storedAt: Date.now() };
}

async function putWhole(
  deps: S3Deps,
  upload: Upload,
  whole: { readonly body: Uint8Array; readonly sha256: string },
): Promise<void> {
  const { library, client, limit } = deps;
  await client.send(
    new library.PutObjectCommand({
      ...upload.where,
      Body: whole.body,
      ContentLength: whole.body.byteLength,
      ContentType: upload.contentType,
      ContentMD5: createHash('md5').update(whole.body).digest('base64'),
      Metadata: { [checksumName]: whole.sha256 },
    }),
    limit(upload.signal),
  );
}

async function uploadLarge(deps: S3Deps, upload: Upload, parts: AsyncIterable<Uint8Array>): Promise<Received> {
  const { library, client, bucket, prefix, limit } = deps;
  // "~" is in no key, so neither a list nor another object ever meets it.
  const temporary = { Bucket: bucket, Key: `${prefix}~uploads/${randomUUID()}` };
  try {
    const received = await sendParts(
      deps,
      { where: temporary, contentType: upload.contentType, signal: upload.signal },
      parts,
    );
    await copyWhole(deps, upload, { source: temporary.Key, ...received });
    return received;
  } finally {
    await client.send(new library.DeleteObjectCommand(temporary), limit()).catch(() => undefined);
  }
}

interface PartTarget {
  readonly where: { readonly Bucket: string; readonly Key: string };
  readonly contentType: string;
  readonly signal: AbortSignal | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

async function sendParts(deps: S3Deps, target: PartTarget, parts: AsyncIterable<Uint8Array>): Promise<Received> {
  const { library, client, limit } = deps;
  const { where, contentType, signal } = target;
  const { UploadId } = await client.send(
    new library.CreateMultipartUploadCommand({ ...where, ContentType: contentType }),
    limit(signal),
  );
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const sent: { readonly ETag: string | undefined; readonly PartNumber: number }[] = [];
  try {
    for await (const part of parts) {
      hash.update(part);
      sizeBytes += part.byteLength;
      const PartNumber = sent.length + 1;
      const ContentMD5 = createHash('md5').update(part).digest('base64');
      const { ETag } = await client.send(
        new library.UploadPartCommand({
          ...where,
          UploadId,
          PartNumber,
          Body: part,
          ContentLength: part.byteLength,
          ContentMD5,
        }),
        limit(signal),
      );
      sent.push({ ETag, PartNumber });
    }
    await client.send(
      new library.CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts: [...sent] } }),
      limit(signal),
    );
  } catch (error) {
    await client.send(new library.AbortMultipartUploadCommand({ ...where, UploadId }), limit()).catch(() => undefined);
    throw error;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** The most that the server copies in one call; more is copied in ranges. */
const copyBytes = 5 * 2 ** 30;

async function copyWhole(deps: S3Deps, upload: Upload, task: Received & { readonly source: string }): Promise<void> {
  const { library, client, bucket } = deps;
  const CopySource = encodeURI(`${bucket}/${task.source}`);
  const Metadata = { [checksumName]: task.sha256 };
  const { where, contentType, signal } = upload;
  // A copy takes the server a while, longer with the size.
  const patient = {
    abortSignal: AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(deps.timeoutMs * 20)]),
  };
  if (task.sizeBytes <= copyBytes) {
    await client.send(
      new library.CopyObjectCommand({
        ...where,
        CopySource,
        Metadata,
        MetadataDirective: 'REPLACE',
        ContentType: contentType,
      }),
      patient,
    );
    return;
  }
  const { UploadId } = await client.send(
    new library.CreateMultipartUploadCommand({ ...where, ContentType: contentType, Metadata }),
    patient,
  );
  const copied: { readonly ETag: string | undefined; readonly PartNumber: number }[] = [];
  for (let start = 0; start < task.sizeBytes; start += copyBytes) {
    const CopySourceRange = `bytes=${start}-${Math.min(start + copyBytes, task.sizeBytes) - 1}`;
    const PartNumber = copied.length + 1;
    const { CopyPartResult } = await client.send(
      new library.UploadPartCopyCommand({ ...where, UploadId, PartNumber, CopySource, CopySourceRange }),
      patient,
    );
    copied.push({ ETag: CopyPartResult?.ETag, PartNumber });
  }
  await client.send(
    new library.CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts: copied } }),
    patient,
  );
}

/** Pieces of any size as parts of one size; the last may be shorter. A part is valid until the one after the next is asked for. */
async function* readParts(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  partBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, undefined> {
  // The first two parts are held together, until it is known whether there is more than one.
  const buffers: Buffer[] = [];
  let count = 0;
  let part: Buffer | undefined;
  let filled = 0;
  for await (const chunk of content) {
    signal?.throwIfAborted();
    for (let offset = 0; offset < chunk.byteLength; ) {
      if (part === undefined) {
        part = buffers[count % 2] ?? Buffer.allocUnsafeSlow(partBytes);
        buffers[count % 2] = part;
      }
      const taken = Math.min(partBytes - filled, chunk.byteLength - offset);
      part.set(chunk.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled < partBytes) continue;
      yield part;
      part = undefined;
      count += 1;
      filled = 0;
    }
  }
  if (part && filled > 0) yield part.subarray(0, filled);
}

async function* chain(
  first: Uint8Array,
  second: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield second;
  yield* rest;
}
