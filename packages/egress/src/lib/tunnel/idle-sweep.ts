import type { Duplex } from 'node:stream';

interface Counted extends Duplex {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

/** Destroys connections without a byte in either direction for a time. */
export interface IdleSweep {
  /** Forgets the connection by itself when it closes. */
  add(socket: Duplex): void;
  stop(): void;
}

/**
 * One timer for all connections. A timer for each would be set again at every read and write, which costs a bulk transfer a
 * seventh of its rate. A connection goes between `idleTimeoutMs` and a quarter more after its last byte; 0 sweeps nothing.
 */
export function createIdleSweep(idleTimeoutMs: number): IdleSweep {
  const watched = new Map<Counted, { bytes: number; since: number }>();
  let timer: NodeJS.Timeout | undefined;
  const sweep = (): void => {
    const now = performance.now();
    for (const [socket, seen] of watched) {
      const bytes = (socket.bytesRead ?? 0) + (socket.bytesWritten ?? 0);
      if (bytes !== seen.bytes) {
        seen.bytes = bytes;
        seen.since = now;
      } else if (now - seen.since >= idleTimeoutMs) {
        socket.destroy();
      }
    }
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    stop,
    add(socket) {
      if (idleTimeoutMs === 0) return;
      watched.set(socket, { bytes: 0, since: performance.now() });
      socket.once('close', () => {
        watched.delete(socket);
        if (watched.size === 0) stop();
      });
      timer ??= setInterval(sweep, idleTimeoutMs / 4).unref();
    },
  };
}
