import { Agent, createServer, get, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEgress, type Egress } from '../create-egress.ts';
import type { EgressOptions } from '../options.ts';
import { startProxy } from '../proxy/start-proxy.ts';
import { startOrigin } from '../testing/origin-server.ts';
import { parseUpstreamProxy } from './upstream-proxy.ts';

// Public addresses that are never dialled: the proxy below leads them to a server of this machine.
const publicAddress = '93.184.215.14';

let origin: Awaited<ReturnType<typeof startOrigin>>;
let proxy: Server;
let url: string;
let mode: 'open' | 'refuse' | 'silent' = 'open';
const asked: string[] = [];
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  origin = await startOrigin();
  proxy = createServer((_request, response) => response.writeHead(405).end());
  proxy.on('connect', (request, client: Socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? 'nobody'}`);
    client.on('error', () => undefined);
    if (mode === 'silent') return;
    if (mode === 'refuse') return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const upstream = connect(origin.port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\nx-proxy: 1\r\n\r\n'));
    upstream.on('error', () => undefined);
    upstream.pipe(client).pipe(upstream);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  mode = 'open';
  asked.length = 0;
});

afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await origin.close();
});

function open(options: Partial<EgressOptions> & { readonly answers?: readonly string[] } = {}): Egress {
  const { answers = [publicAddress], ...rest } = options;
  const egress = createEgress({
    allow: ['allowed.test'],
    ports: [80, origin.port],
    lookup: async () => answers,
    upstreamProxy: { url },
    connectTimeoutMs: 300,
    ...rest,
  });
  cleanups.push(() => egress.close());
  return egress;
}

const outcome = (egress: Egress, target = 'http://allowed.test/'): Promise<unknown> =>
  egress.fetch(target).then(
    async (answer) => `${answer.status} ${await answer.text()}`,
    (error: { details?: { reason?: string } }) => error.details?.reason ?? error,
  );

function getThrough(agent: Agent, port: number, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ agent, host: '127.0.0.1', port, path: target, headers: { host: new URL(target).host } }, async (answer) =>
      resolve(`${answer.statusCode} ${await text(answer)}`),
    ).on('error', reject);
  });
}

/** A port where nobody listens: who dials it directly fails. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('upstreamProxy', () => {
  it('is asked for the vetted address, never for the name', async () => {
    expect(await outcome(open())).toBe('200 hello');
    expect(asked).toEqual([`${publicAddress}:80 nobody`]);
  });

  it('stands behind our proxy too: plain requests, kept alive, and tunnels', async () => {
    const { port, close } = await startProxy(open());
    cleanups.unshift(close);
    const agent = new Agent({ keepAlive: true });
    cleanups.push(async () => agent.destroy());
    for (let round = 0; round < 2; round += 1)
      expect(await getThrough(agent, port, 'http://allowed.test/')).toBe('200 hello');
    expect(asked).toEqual([`${publicAddress}:80 nobody`]);
    const client = connect(port, '127.0.0.1');
    client.write('CONNECT allowed.test:80 HTTP/1.1\r\nHost: allowed.test:80\r\n\r\n');
    client.write('GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n');
    expect(await text(client)).toMatch(/ 200 [\s\S]* 200 [\s\S]*hello/);
  });

  it('gets its password, and an IPv6 address in brackets', async () => {
    const answers = ['2606:2800:21f:cb07:6820:80da:af6b:8b2c'];
    expect(await outcome(open({ answers, upstreamProxy: { url, auth: 'me:secret' } }))).toBe('200 hello');
    expect(asked).toEqual([`[${answers[0]}]:80 Basic ${Buffer.from('me:secret').toString('base64')}`]);
  });

  it('is not asked for what the policy or the addresses forbid', async () => {
    expect(await outcome(open(), 'http://other.test/')).toBe('not-allowed');
    expect(await outcome(open({ answers: [publicAddress, '10.0.0.1'] }))).toBe('address');
    expect(asked).toEqual([]);
  });

  it('resolves names itself when the operator says so', async () => {
    const lookup = (): never => {
      throw new Error('nobody asks here');
    };
    expect(await outcome(open({ lookup, upstreamProxy: { url, resolve: 'there' } }))).toBe('200 hello');
    expect(asked).toEqual(['allowed.test:80 nobody']);
  });

  it('is left out for private addresses that the operator lists', async () => {
    const egress = open({ answers: ['127.0.0.1'], allowPrivate: [`127.0.0.1:${origin.port}`] });
    expect(await outcome(egress, `http://allowed.test:${origin.port}/`)).toBe('200 hello');
    expect(asked).toEqual([]);
  });

  it.each(['127.0.0.1', '[::1]', 'localhost', '10.1.2.3'])('is left out for %s on the list', async (host) => {
    const closed = await closedPort();
    const egress = open({ allow: [`${host}:${closed}`], ports: [closed], upstreamProxy: { url, resolve: 'there' } });
    expect(await outcome(egress, `http://${host}:${closed}/`)).toBe('unreachable');
    expect(asked).toEqual([]);
  });

  it.each(['127.0.0.1', '[::1]', 'localhost', '10.1.2.3'])(
    'leads to %s on the list when it is the only way',
    async (host) => {
      const closed = await closedPort();
      const only = { url, resolve: 'there', onlyWay: true } as const;
      const egress = open({ allow: [`${host}:${closed}`], ports: [closed], upstreamProxy: only });
      expect(await outcome(egress, `http://${host}:${closed}/`)).toBe('200 hello');
      expect(asked).toEqual([`${host}:${closed} nobody`]);
      asked.length = 0;
      expect(await outcome(egress, `http://${host}:${closed + 1}/`)).toBe('address-literal');
      expect(await outcome(egress, `http://127.0.0.2:${closed}/`)).toBe('address-literal');
      expect(asked).toEqual([]);
    },
  );

  it('leads to listed private addresses of names when it is the only way', async () => {
    const allowPrivate = [`127.0.0.1:${origin.port}`];
    const egress = open({ answers: ['127.0.0.1'], allowPrivate, upstreamProxy: { url, onlyWay: true } });
    expect(await outcome(egress, `http://allowed.test:${origin.port}/`)).toBe('200 hello');
    expect(asked).toEqual([`127.0.0.1:${origin.port} nobody`]);
  });

  it('makes a request fail when it refuses, says nothing, or is gone', async () => {
    mode = 'refuse';
    expect(await outcome(open())).toBe('unreachable');
    mode = 'silent';
    expect(await outcome(open())).toBe('unreachable');
    expect(await outcome(open({ upstreamProxy: { url: 'http://127.0.0.1:1' } }))).toBe('unreachable');
  });

  it.each(['https://proxy.test:3128', 'proxy.test:3128', 'http://proxy.test', 'http://u:p@proxy.test:3128'])(
    'refuses %s and shows no password',
    (wrong) => {
      expect(() => parseUpstreamProxy({ url: wrong })).toThrow(/upstreamProxy: "(?!.*u:p).*" is refused/);
    },
  );
});
