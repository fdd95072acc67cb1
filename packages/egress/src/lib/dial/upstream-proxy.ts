import type { Socket } from 'node:net';
import { GenieError } from '@genie/core/errors';
import { EgressError } from '../egress-error.ts';
import { parseAuthority } from '../proxy/request-form.ts';

/** A proxy that stands between this machine and the network, e.g. that of a company. */
export interface UpstreamProxyOptions {
  /** `http://host:port`. The operator names it, so it may be a private address. */
  readonly url: string;
  /** `user:password` for it. */
  readonly auth?: string;
  /**
   * Who resolves names. `here` (default): this filter, every answer is vetted, and the proxy is asked for the vetted address.
   * `there`: the proxy, for networks whose names nobody else knows; then only the proxy can keep names from leading inside.
   */
  readonly resolve?: 'here' | 'there';
  /**
   * True where nothing can be dialled, as in a container whose one way out this is: then addresses and `localhost` that the operator listed go
   * through it too, and mean what they mean on its side. Default false: they are dialled directly.
   */
  readonly onlyWay?: boolean;
}

export interface UpstreamProxy {
  readonly host: string;
  readonly port: number;
  readonly resolvesNames: boolean;
  readonly isOnlyWay: boolean;
  /** The value of `Proxy-Authorization`. */
  readonly authorization: string | undefined;
}

/** Throws `GENIE_EGRESS_OPTIONS`. */
export function parseUpstreamProxy(options: UpstreamProxyOptions): UpstreamProxy {
  const { url, auth, resolve = 'here', onlyWay = false } = options;
  const authority = parseAuthority(/^http:\/\/([^/]+)\/?$/.exec(url)?.[1] ?? '');
  if (authority === undefined || authority.hostText === '' || (auth !== undefined && !/^[^:\s]+:.+$/.test(auth))) {
    const shown = JSON.stringify(url.replace(/\/\/.*@/, '//***@'));
    const message = `upstreamProxy: ${shown} is refused. Write "http://proxy.example.com:3128", and user:password into auth`;
    throw new GenieError('GENIE_EGRESS_OPTIONS', message);
  }
  return {
    host: authority.hostText.replace(/^\[|\]$/g, ''),
    port: authority.port,
    resolvesNames: resolve === 'there',
    isOnlyWay: onlyWay,
    authorization: auth === undefined ? undefined : `Basic ${Buffer.from(auth).toString('base64')}`,
  };
}

const maxAnswerBytes = 16_384;

/** Asks for a tunnel on a connection to the proxy. Rejects with `unreachable`; the connection is destroyed then. */
export function openThrough(
  socket: Socket,
  proxy: UpstreamProxy,
  target: { readonly host: string; readonly port: number },
): Promise<Socket> {
  const where = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const credentials = proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  socket.write(`CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n${credentials}\r\n`);
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const stop = (): void => {
      socket.removeListener('data', onData).removeListener('close', onClose).removeListener('error', onClose);
    };
    const fail = (why: string): void => {
      stop();
      socket.on('error', () => undefined).destroy();
      reject(new EgressError('unreachable', `the upstream proxy opened no tunnel to ${where}: ${why}`, target));
    };
    const onClose = (): void => fail('it hung up');
    const onData = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1) {
        if (answer.length > maxAnswerBytes) fail('its answer does not end');
        return;
      }
      const first = answer.toString('latin1', 0, answer.indexOf('\r\n'));
      if (!/^HTTP\/1\.[01] 2\d\d(?: |$)/.test(first)) {
        fail(`it said ${JSON.stringify(first.slice(0, 100))}`);
        return;
      }
      stop();
      socket.pause();
      if (answer.length > end + 4) socket.unshift(answer.subarray(end + 4));
      resolve(socket);
    };
    socket.on('data', onData).on('close', onClose).on('error', onClose);
  });
}
