import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { EgressError } from '../egress-error.ts';
import type { HelloWatch } from './watch-hellos.ts';

export interface SpliceOptions {
  /** What the client sent already; goes out first. */
  readonly bytes: Buffer;
  /** Reads what follows. */
  readonly watch?: HelloWatch | undefined;
  readonly maxBytesUp: number;
  readonly maxBytesDown: number;
  /** Called once, when both directions are over; with what cut them. */
  readonly onClose: (end: {
    readonly up: number;
    readonly down: number;
    readonly failure: EgressError | undefined;
  }) => void;
}

/** Connects two connections for good, half-closed ones included. The returned function cuts them. */
export function splice(client: Duplex, upstream: Socket, options: SpliceOptions): () => void {
  let { watch } = options;
  let [up, down] = [0, 0];
  let failure: EgressError | undefined;
  let open = 2;
  const cut = (): void => {
    client.destroy();
    upstream.destroy();
  };
  const fail = (error: EgressError): undefined => {
    failure ??= error;
    cut();
    return undefined;
  };
  const onClose = (): void => {
    open -= 1;
    if (open === 0) options.onClose({ up, down, failure });
  };
  const takeUp = (chunk: Buffer): Buffer | undefined => {
    const bytes = watch === undefined ? chunk : look(watch, chunk, fail);
    if (watch?.isOver) watch = undefined;
    up += bytes?.length ?? 0;
    return up > options.maxBytesUp ? fail(tooMuch('request-bytes', options.maxBytesUp)) : bytes;
  };
  const takeDown = (chunk: Buffer): Buffer | undefined => {
    down += chunk.length;
    return down > options.maxBytesDown ? fail(tooMuch('response-bytes', options.maxBytesDown)) : chunk;
  };
  client.on('error', cut);
  upstream.on('error', cut);
  client.once('close', () => {
    if (!upstream.writableEnded || !upstream.readableEnded) upstream.destroy();
    onClose();
  });
  upstream.once('close', () => {
    if (!client.writableEnded) client.destroy();
    onClose();
  });
  up = options.bytes.length;
  // First of all: somebody waits for the answer to these bytes.
  if (up > options.maxBytesUp) fail(tooMuch('request-bytes', options.maxBytesUp));
  else if (up > 0) upstream.write(options.bytes);
  pump(client, upstream, takeUp);
  pump(upstream, client, takeDown);
  return cut;
}

/** What `pipe` does, with half of its listeners. */
function pump(from: Duplex, to: Duplex, take: (chunk: Buffer) => Buffer | undefined): void {
  from.on('data', (chunk: Buffer) => {
    const bytes = take(chunk);
    if (bytes === undefined || bytes.length === 0) return;
    // There is nobody left to send it to.
    if (to.destroyed) from.destroy();
    else if (!to.write(bytes)) from.pause();
  });
  from.on('end', () => to.end());
  to.on('drain', () => from.resume());
  if (!to.writableNeedDrain) from.resume();
}

function look(watch: HelloWatch, chunk: Buffer, fail: (error: EgressError) => undefined): Buffer | undefined {
  try {
    return watch.read(chunk);
  } catch (error) {
    return fail(error instanceof EgressError ? error : new EgressError('tunnel-protocol', String(error)));
  }
}

function tooMuch(reason: 'request-bytes' | 'response-bytes', most: number): EgressError {
  return new EgressError(reason, `more went through the tunnel than the ${most} bytes that are allowed`);
}
