import type { Duplex } from 'node:stream';

const maxHeldBytes = 65_536;

export interface HeldBytes {
  /** What arrived meanwhile; the connection is paused again. */
  release(): Buffer;
}

/** Keeps what an impatient asker sends before its answer; more than 64 kB, or its end, ends it. */
export function holdBytes(client: Duplex, head: Buffer): HeldBytes {
  let bytes = head;
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length > maxHeldBytes) client.destroy();
  };
  const onEnd = (): void => void client.destroy();
  client.on('data', onData).on('end', onEnd);
  client.resume();
  return {
    release() {
      client.removeListener('data', onData).removeListener('end', onEnd);
      client.pause();
      return bytes;
    },
  };
}
