import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface SpliceOptions {
  readonly maxBytesUp: number;
  readonly maxBytesDown: number;
  /** Called once, when both directions are over. */
  readonly onClose: (bytes: {
    readonly up: number;
    readonly down: number;
    readonly overLimit: 'up' | 'down' | undefined;
  }) => void;
}

/** Connects two connections for good, half-closed ones included. The returned function cuts them. */
export function splice(client: Duplex, upstream: Socket, options: SpliceOptions): () => void {
  let overLimit: 'up' | 'down' | undefined;
  let open = 2;
  const cut = (): void => {
    client.destroy();
    upstream.destroy();
  };
  const onClose = (): void => {
    open -= 1;
    if (open === 0) options.onClose({ up: upstream.bytesWritten, down: upstream.bytesRead, overLimit });
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
  if (options.maxBytesUp !== Number.POSITIVE_INFINITY || options.maxBytesDown !== Number.POSITIVE_INFINITY) {
    const check = (): void => {
      if (upstream.bytesWritten > options.maxBytesUp) overLimit = 'up';
      else if (upstream.bytesRead > options.maxBytesDown) overLimit = 'down';
      if (overLimit !== undefined) cut();
    };
    client.on('data', check);
    upstream.on('data', check);
  }
  client.pipe(upstream);
  upstream.pipe(client);
  return cut;
}
