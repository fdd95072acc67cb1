import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GenieError } from '@genie/core/errors';
import type { ObjectInfo } from '@genie/core/ports';
import { failed } from './s3-failure.ts';

interface Reading {
  readonly timeoutMs: number;
  readonly bucket: string;
  readonly signal: AbortSignal | undefined;
}

/** The content, and at its end an error when it is not what was stored. A server that stops sending is given up. */
export async function* readVerified(body: unknown, info: ObjectInfo, reading: Reading): AsyncGenerator<Uint8Array> {
  const { timeoutMs, bucket, signal } = reading;
  const stream = body as Readable;
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const giveUp = () => stream.destroy(new Error(`nothing came for ${timeoutMs} ms`));
  try {
    timer = setTimeout(giveUp, timeoutMs);
    for await (const chunk of stream) {
      clearTimeout(timer);
      signal?.throwIfAborted();
      hash.update(chunk as Uint8Array);
      sizeBytes += (chunk as Uint8Array).byteLength;
      yield chunk as Uint8Array;
      timer = setTimeout(giveUp, timeoutMs);
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw failed(bucket, error);
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
  if (sizeBytes !== info.sizeBytes) throw corrupt(info.key, `${sizeBytes} of ${info.sizeBytes} bytes came`);
  if (hash.digest('hex') !== info.sha256) throw corrupt(info.key, 'its content does not match its SHA-256');
}

function corrupt(key: string, reason: string): GenieError {
  return new GenieError('GENIE_OBJECT_CORRUPT', `Object "${key}" cannot be used: ${reason}. Restore it from a copy.`);
}
