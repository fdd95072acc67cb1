import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Gate } from '../gate.ts';
import type { HostName } from '../policy/host-name.ts';

/** What the agent is told about where to connect, besides what Node puts there. */
export interface PooledTarget {
  readonly target: { readonly host: HostName; readonly port: number };
}

/**
 * Connections to servers, kept alive and keyed by name and port, never by address: two names on one address share nothing.
 * A new one is resolved, vetted and dialled by the gate.
 */
export class UpstreamPool extends Agent {
  readonly #gate: Gate;
  /** Connections that a tunnel dialled and did not need. */
  readonly #spare = new Map<string, Socket>();

  constructor(gate: Gate, options: { readonly idleMs: number }) {
    super({ keepAlive: true, maxFreeSockets: 128, scheduling: 'lifo', timeout: options.idleMs });
    this.#gate = gate;
  }

  override createConnection(options: unknown, done: (error: Error | null, socket: Duplex) => void): undefined {
    const { target } = options as PooledTarget;
    const spare = this.#takeSpare(keyOf(target));
    if (spare !== undefined) {
      done(null, spare);
      return;
    }
    this.#gate.open(target).then(
      (socket) => done(null, socket),
      (error: Error) => done(error, undefined as unknown as Duplex),
    );
  }

  /** Gives a fresh connection to the pool for the next request to the same name and port. */
  offer(target: PooledTarget['target'], socket: Socket): void {
    const key = keyOf(target);
    this.#spare.get(key)?.destroy();
    this.#spare.set(key, socket);
    socket.once('close', () => {
      if (this.#spare.get(key) === socket) this.#spare.delete(key);
    });
    socket.setTimeout(5_000, () => {
      if (this.#spare.get(key) === socket) socket.destroy();
    });
    socket.on('error', () => undefined);
  }

  override destroy(): void {
    for (const socket of this.#spare.values()) socket.destroy();
    super.destroy();
  }

  #takeSpare(key: string): Socket | undefined {
    const socket = this.#spare.get(key);
    if (socket === undefined) return undefined;
    this.#spare.delete(key);
    if (socket.destroyed || !socket.writable) return undefined;
    return socket;
  }
}

function keyOf({ host, port }: PooledTarget['target']): string {
  return `${host.name}:${port}`;
}
