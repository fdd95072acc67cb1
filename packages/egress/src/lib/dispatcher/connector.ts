import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { Gate } from '../gate.ts';
import { parseAuthorityHost } from '../policy/host-name.ts';

type Connector = ReturnType<typeof buildConnector>;

/** Dials for undici's pool, which is keyed by name: resolved once, vetted, and the vetted literal connected. */
export function createConnector(gate: Gate, tlsOptions: buildConnector.BuildOptions): Connector {
  const upgradeToTls = buildConnector({ ...tlsOptions, allowH2: false });
  return (options, callback) => {
    const isTls = options.protocol === 'https:';
    // undici takes the brackets of an IPv6 address off.
    const name = options.hostname.includes(':') ? `[${options.hostname}]` : options.hostname;
    const parsed = parseAuthorityHost(name);
    if (!('host' in parsed)) return callback(new TypeError(parsed.problem), null);
    const port = Number(options.port) || (isTls ? 443 : 80);
    gate.open({ host: parsed.host, port }).then(
      (socket: Socket) => {
        socket.allowHalfOpen = false;
        // An error between here and undici's own listener must not be unhandled.
        socket.on('error', () => undefined);
        if (isTls) upgradeToTls({ ...options, port: String(port), httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: Error) => callback(error, null),
    );
  };
}
