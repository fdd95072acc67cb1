import { Socket as DatagramSocket } from 'node:dgram';
import { Socket } from 'node:net';
import { GenieError } from '@genie/core/errors';
import { egressPass } from '../dial/egress-pass.ts';

/** A connection that somebody in this process tried to open past the filter. */
export interface RawUse {
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
  /** Where it was called from. */
  readonly stack: string;
}

export interface GuardOptions {
  /** `report` lets it happen and tells; `strict` also refuses it with `GENIE_EGRESS_BYPASS`. */
  readonly mode: 'report' | 'strict';
  readonly onUse?: (use: RawUse) => void;
  /** Destinations that are no business of the filter, e.g. a database on this machine. */
  readonly isExempt?: (use: RawUse) => boolean;
}

type Method = (this: unknown, ...values: unknown[]) => unknown;

/**
 * Watches `node:net` and `node:dgram`, and with them `http`, `https`, `tls` and `fetch`, for connections that do not come from
 * the filter. It is a tripwire for plugins, not a wall: native code and child processes do not pass here. Unix sockets are
 * let through. The returned function takes it away again.
 */
export function installGuard(options: GuardOptions): () => void {
  const judge = (use: RawUse): void => {
    if (options.isExempt?.(use)) return;
    options.onUse?.(use);
    if (options.mode === 'report') return;
    const message = `${use.protocol} to ${use.host}:${use.port} goes past the egress filter; use the fetch of the tool context`;
    throw new GenieError('GENIE_EGRESS_BYPASS', message, {
      details: { protocol: use.protocol, host: use.host, port: use.port },
    });
  };
  const undo = [
    patch(Socket.prototype, 'connect', (values) => judgeConnect(values, judge)),
    patch(DatagramSocket.prototype, 'connect', ([port, host]) => judge(toUse('udp', host, port))),
    patch(DatagramSocket.prototype, 'send', (values) => judgeSend(values, judge)),
  ];
  return () => {
    for (const restore of undo) restore();
  };
}

function judgeConnect(values: readonly unknown[], judge: (use: RawUse) => void): void {
  // net.connect hands over its arguments in one list that it has already read.
  const [first, second] = Array.isArray(values[0]) ? values[0] : values;
  const target = (typeof first === 'object' && first !== null ? first : { port: first, host: second }) as Record<
    PropertyKey,
    unknown
  >;
  const isLocal = typeof target.path === 'string' || (typeof first === 'string' && Number.isNaN(Number(first)));
  if (isLocal || target[egressPass] === true) return;
  judge(toUse('tcp', typeof target.host === 'string' ? target.host : 'localhost', target.port));
}

/** `send(message, [offset, length,] [port] [, address] [, callback])`. Without a port the socket is connected, and was judged then. */
function judgeSend(values: readonly unknown[], judge: (use: RawUse) => void): void {
  const rest = values.slice(1).filter((value) => typeof value !== 'function');
  const hasRange = rest.length >= 3 && typeof rest[2] === 'number';
  const [port, host] = hasRange ? rest.slice(2) : rest;
  if (port !== undefined && (typeof host === 'string' || rest.length !== 2)) judge(toUse('udp', host, port));
}

function toUse(protocol: RawUse['protocol'], host: unknown, port: unknown): RawUse {
  const stack = new Error('raw use').stack?.split('\n').slice(4).join('\n') ?? '';
  return { protocol, host: typeof host === 'string' ? host : '127.0.0.1', port: Number(port), stack };
}

function patch<Name extends string>(
  target: { [name in Name]: unknown },
  name: Name,
  before: (values: readonly unknown[]) => void,
): () => void {
  const original = target[name] as Method;
  const patched: Method = function patched(...values) {
    before(values);
    return original.apply(this, values);
  };
  target[name] = patched;
  return () => {
    // Somebody else may have patched it since; then it stays, and does nothing.
    if (target[name] === patched) target[name] = original;
  };
}
