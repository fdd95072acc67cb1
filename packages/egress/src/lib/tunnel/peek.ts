import type { Duplex } from 'node:stream';
import type { Deadlines } from '../deadlines.ts';
import { EgressError } from '../egress-error.ts';
import type { Rules } from '../policy/rules.ts';
import { type HelloResult, readClientHello } from './client-hello.ts';

export type FirstBytes =
  | { readonly kind: 'tls'; readonly hello: Extract<HelloResult, { kind: 'hello' }>; readonly bytes: Buffer }
  | { readonly kind: 'http'; readonly bytes: Buffer }
  | { readonly kind: 'unknown'; readonly bytes: Buffer };

export interface PeekOptions {
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  readonly maxBytes: number;
  readonly rules: Rules;
}

/**
 * Reads just as much of a connection as tells TLS and HTTP apart, and a TLS hello to its end. Rejects with `EgressError`: nothing recognisable, too much, too slow, or the asker left.
 */
export function peek(socket: Duplex, head: Buffer, options: PeekOptions): Promise<FirstBytes> {
  return new Promise((resolve, reject) => {
    let bytes = head;
    const callOff = options.deadlines.after(options.timeoutMs, () =>
      stop(new EgressError('timeout', 'the tunnel stayed silent or did not finish its first message')),
    );
    const stop = (result: FirstBytes | EgressError): void => {
      callOff();
      socket.removeListener('data', onData);
      socket.removeListener('end', onGone);
      socket.removeListener('close', onGone);
      // Whoever waits for the promise takes the connection over in this very turn, so nothing is read in between.
      if (result instanceof EgressError) reject(result);
      else resolve(result);
    };
    const onGone = (): void => stop(new EgressError('closed', 'the asker left'));
    const look = (): void => {
      const result = classify(bytes, options);
      if (result !== undefined) stop(result);
    };
    const onData = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      look();
    };
    socket.on('data', onData);
    socket.on('end', onGone);
    socket.on('close', onGone);
    socket.resume();
    if (bytes.length > 0) look();
  });
}

function classify(bytes: Buffer, { maxBytes, rules }: PeekOptions): FirstBytes | EgressError | undefined {
  if (bytes[0] === 0x16) {
    const hello = readClientHello(bytes);
    if (hello.kind === 'hello') return { kind: 'tls', hello, bytes };
    if (hello.kind === 'invalid')
      return new EgressError('tunnel-protocol', `the client hello is invalid: ${hello.problem}`);
    if (bytes.length <= maxBytes || !rules('tunnel:size')) return undefined;
    return new EgressError('tunnel-protocol', `the client hello is over ${maxBytes} bytes`);
  }
  const start = bytes.subarray(0, 16).toString('latin1');
  if (/^[A-Z]{3,10} /.test(start) && !start.startsWith('PRI ')) return { kind: 'http', bytes };
  if (/^[A-Z]{0,10}$/.test(start)) return undefined;
  if (!rules('tunnel:protocol')) return { kind: 'unknown', bytes };
  return new EgressError('tunnel-protocol', 'what goes through the tunnel is neither TLS nor HTTP/1');
}
