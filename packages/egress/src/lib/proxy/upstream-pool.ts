import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { EgressError } from '../egress-error.ts';
import type { Gate } from '../gate.ts';
import type { HostName } from '../policy/host-name.ts';

const maxHandshakeMs = 10_000;

/** What the agent is told about where to connect, besides what Node puts there. */
export interface PooledTarget {
  readonly target: { readonly host: HostName; readonly port: number; readonly isTls: boolean };
}

/**
 * Connections to servers, kept alive and keyed by name and port, never by address: two names on one address share nothing.
 * A new one is resolved, vetted and dialled by the gate.
 */
export class UpstreamPool extends Agent {
  readonly #gate: Gate;
  readonly #authorities: readonly string[];
  readonly #idleMs: number;
  /** Connections that a tunnel dialled and did not need. */
  readonly #spare = new Map<string, Socket>();

  constructor(gate: Gate, options: { readonly idleMs: number; readonly certificateAuthorities: readonly string[] }) {
    super({ keepAlive: true, maxFreeSockets: 128, scheduling: 'lifo', timeout: options.idleMs });
    this.#gate = gate;
    this.#authorities = options.certificateAuthorities;
    this.#idleMs = options.idleMs;
  }

  override createConnection(options: unknown, done: (error: Error | null, socket: Duplex) => void): undefined {
    const { target } = options as PooledTarget;
    const spare = target.isTls ? undefined : this.#takeSpare(keyOf(target));
    // One that came through an upstream proxy was paused behind its answer, and the agent expects a socket that flows.
    const give = (socket: Socket): void => {
      done(null, socket);
      socket.resume();
    };
    if (spare !== undefined) {
      give(spare);
      return;
    }
    this.#gate.open(target).then(
      (socket) => (target.isTls ? this.#secure(target.host, socket, done) : give(socket)),
      (error: Error) => done(error, undefined as unknown as Duplex),
    );
  }

  /** Gives a fresh connection to the pool for the next request to the same name and port. */
  offer(target: { readonly host: HostName; readonly port: number }, socket: Socket): void {
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

  #secure(host: HostName, socket: Socket, done: (error: Error | null, socket: Duplex) => void): void {
    const authorities = this.#authorities;
    const secured = connectTls({
      socket,
      servername: host.name,
      ALPNProtocols: ['http/1.1'],
      ...(authorities.length > 0 ? { ca: [...authorities] } : {}),
    });
    const fail = (error: Error): void => done(error, undefined as unknown as Duplex);
    const isLate = (): void => void secured.destroy(new EgressError('timeout', `${host.name} speaks no TLS`));
    // The agent keeps time only once it has the connection.
    secured.setTimeout(Math.min(this.#idleMs, maxHandshakeMs), isLate);
    secured.once('error', fail);
    secured.once('secureConnect', () => {
      secured.removeListener('error', fail).removeListener('timeout', isLate).setTimeout(0);
      done(null, secured);
    });
  }

  #takeSpare(key: string): Socket | undefined {
    const socket = this.#spare.get(key);
    if (socket === undefined) return undefined;
    this.#spare.delete(key);
    if (socket.destroyed || !socket.writable) return undefined;
    return socket;
  }
}

function keyOf({ host, port }: { readonly host: HostName; readonly port: number }): string {
  return `${host.name}:${port}`;
}
