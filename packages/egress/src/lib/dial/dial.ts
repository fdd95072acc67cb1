import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Deadlines } from '../deadlines.ts';
import { EgressError } from '../egress-error.ts';
import { egressPass } from './egress-pass.ts';

export interface DialRequest {
  /** For messages only: it is never resolved here. */
  readonly host: string;
  readonly port: number;
  /** Vetted literals, dialled in this order. */
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  readonly signal?: AbortSignal | undefined;
}

/** Connects to the first vetted address that answers. Rejects with `unreachable`. The socket keeps half-open connections. */
export async function dialVetted(request: DialRequest): Promise<Socket> {
  const patience = request.timeoutMs / request.addresses.length;
  let last: unknown;
  for (const address of request.addresses) {
    try {
      return await dialOne(address, request, patience);
    } catch (error) {
      last = error;
      if (request.signal?.aborted) break;
    }
  }
  const why = last instanceof Error ? last.message : String(last);
  throw new EgressError('unreachable', `${request.host}:${request.port} does not answer: ${why}`, {
    cause: last,
    host: request.host,
    port: request.port,
  });
}

function dialOne(address: string, request: DialRequest, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    if (signal?.aborted) return reject(signal.reason);
    const socket = connect({
      host: address,
      port: request.port,
      noDelay: true,
      allowHalfOpen: true,
      [egressPass]: true,
    } as NetConnectOpts);
    const callOff = request.deadlines.after(timeoutMs, () =>
      fail(new Error(`no connection to ${address} within ${Math.round(timeoutMs)} ms`)),
    );
    const onAbort = (): void => fail(signal?.reason);
    const stop = (): void => {
      callOff();
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', fail);
    };
    const fail = (error: unknown): void => {
      stop();
      // The error may come again after the promise was settled.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', fail);
    socket.once('connect', () => {
      stop();
      resolve(socket);
    });
  });
}
