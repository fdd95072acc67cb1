import { type AddressInfo, connect, createServer } from 'node:net';
import { createEgress, type Egress } from '../create-egress.ts';
import type { EgressOptions } from '../options.ts';
import { type ProxyOptions, type ProxyServer, startProxy } from '../proxy/start-proxy.ts';
import { startOrigin } from '../testing/origin-server.ts';
import type { AttackWorld, Reply, SendOptions } from './attack.ts';

export interface OpenWorld {
  readonly world: AttackWorld;
  readonly egress: Egress;
  readonly proxy: ProxyServer;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly create?: (options: EgressOptions) => Egress;
  readonly egress?: Partial<EgressOptions>;
  readonly proxy?: ProxyOptions;
}

const credentials = 'user:correct horse';

/** Starts servers, a resolver that lies on request, the filter and its proxy, all on the loopback. */
export async function openAttackWorld(options: WorldOptions = {}): Promise<OpenWorld> {
  const servers = await startServers();
  const { ports } = servers;
  let answers: readonly (readonly string[])[] = [['127.0.0.1']];
  const lookups: string[] = [];
  const egress = (options.create ?? createEgress)({
    allow: [
      'allowed.test',
      '*.wild.test',
      { host: 'limited.test', methods: ['GET', 'POST'], maxRequestBytes: 1_000, maxResponseBytes: 10_000 },
      { host: 'tunnel-limited.test', maxRequestBytes: 2_000, maxResponseBytes: 2_000 },
      { host: 'rated.test', requestsPerMinute: 2 },
      { host: 'night.test', hours: { from: '00:00', to: '00:00' } },
    ],
    ports: [ports.allowed, ports.tls, ports.victim],
    allowPrivate: [`127.0.0.1:${ports.allowed}`, `127.0.0.1:${ports.tls}`, `127.0.0.1:${ports.closed}`],
    connectTimeoutMs: 300,
    lookupTimeoutMs: 300,
    lookup: async (host: string) => {
      lookups.push(host);
      const answer = answers[0] ?? [];
      if (answers.length > 1) answers = answers.slice(1);
      return answer;
    },
    ...options.egress,
  });
  const proxy = await startProxy(egress, {
    auth: credentials,
    headersTimeoutMs: 300,
    requestTimeoutMs: 1_500,
    idleTimeoutMs: 3_000,
    ...options.proxy,
  });
  const world: AttackWorld = {
    ports,
    lookups,
    arrived: servers.arrived,
    victimConnections: servers.victimConnections,
    connections: servers.connections,
    tlsBytes: servers.tlsBytes,
    resolveTo(given) {
      answers =
        typeof given[0] === 'string' || given.length === 0
          ? [given as readonly string[]]
          : (given as readonly (readonly string[])[]);
    },
    send: (bytes, sendOptions) => converse(proxy.port, authenticated(bytes, sendOptions), [], sendOptions),
    tunnel: (authority, bytes, sendOptions) =>
      converse(
        proxy.port,
        authenticated(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, sendOptions),
        toParts(bytes),
        sendOptions,
      ),
    async fetch(url, init) {
      try {
        const response = await egress.fetch(url, init);
        await response.arrayBuffer();
        return `status ${response.status}`;
      } catch (error) {
        return String((error as { details?: { reason?: string } }).details?.reason ?? error);
      }
    },
  };
  return {
    world,
    egress,
    proxy,
    async close() {
      await proxy.close();
      await egress.close();
      await servers.close();
    },
  };
}

async function startServers() {
  const arrived: {
    at: string;
    method: string;
    url: string;
    headers: Readonly<Record<string, unknown>>;
    body: string;
  }[] = [];
  const start = (at: string) =>
    startOrigin((request, response, body) => {
      arrived.push({ at, method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
      if (request.url === '/redirect') response.writeHead(302, { location: String(request.headers['x-to']) }).end();
      else response.end(request.url === '/long' ? 'x'.repeat(50_000) : `hello from ${at}`);
    });
  const [allowed, victim, closed] = await Promise.all([start('allowed'), start('victim'), start('closed')]);
  let tlsBytes = 0;
  // Stands for a TLS server: it counts and echoes, so what goes through can be seen.
  const tls = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      tlsBytes += chunk.length;
      socket.write(chunk);
    });
  });
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  return {
    arrived,
    ports: {
      allowed: allowed.port,
      victim: victim.port,
      closed: closed.port,
      tls: (tls.address() as AddressInfo).port,
    },
    victimConnections: victim.connections,
    connections: () => allowed.connections() + victim.connections() + closed.connections(),
    tlsBytes: () => tlsBytes,
    async close() {
      tls.close();
      await Promise.all([allowed.close(), victim.close(), closed.close()]);
    },
  };
}

/** Puts the password behind the first line, unless the attack brings its own. */
function authenticated(bytes: string | Uint8Array, options: SendOptions = {}): Buffer {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
  const end = buffer.indexOf('\r\n');
  const value = options.proxyAuthorization ?? `Basic ${Buffer.from(credentials).toString('base64')}`;
  if (end === -1 || value === '') return buffer;
  if (options.everyRequest) {
    return Buffer.from(
      buffer.toString('latin1').replaceAll(' HTTP/1.1\r\n', ` HTTP/1.1\r\nProxy-Authorization: ${value}\r\n`),
      'latin1',
    );
  }
  return Buffer.concat([
    buffer.subarray(0, end),
    Buffer.from(`\r\nProxy-Authorization: ${value}`),
    buffer.subarray(end),
  ]);
}

function toParts(bytes: string | Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  if (typeof bytes === 'string') return [Buffer.from(bytes, 'latin1')];
  return bytes instanceof Uint8Array ? [bytes] : bytes;
}

/** Sends the first bytes; with more to come it waits for the answer to CONNECT in between. */
function converse(
  port: number,
  first: Uint8Array,
  later: readonly Uint8Array[],
  options: SendOptions = {},
): Promise<Reply> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let opened = later.length === 0;
    let quiet: NodeJS.Timeout | undefined;
    const finish = (isClosed: boolean): void => {
      clearTimeout(quiet);
      socket.destroy();
      resolve(readReply(text, isClosed));
    };
    const wait = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(() => finish(false), (options.quietMs ?? 400) + later.length * (options.pauseMs ?? 0));
    };
    socket.on('error', () => undefined);
    socket.on('close', () => finish(true));
    socket.on('data', (chunk) => {
      wait();
      text += chunk.toString('latin1');
      if (opened || !text.includes('\r\n\r\n')) return;
      opened = true;
      if (!text.startsWith('HTTP/1.1 200')) return;
      text = '';
      void sendParts(socket, later, options.pauseMs ?? 0);
    });
    socket.on('connect', () => {
      socket.write(first);
      wait();
    });
  });
}

async function sendParts(
  socket: ReturnType<typeof connect>,
  parts: readonly Uint8Array[],
  pauseMs: number,
): Promise<void> {
  socket.setNoDelay(true);
  for (const part of parts) {
    if (!socket.writable) return;
    socket.write(part);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function readReply(text: string, isClosed: boolean): Reply {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  return {
    text,
    isClosed,
    status: status === undefined ? undefined : Number(status),
    reason: /x-genie-egress: ([\w-]+)/.exec(text)?.[1],
  };
}
