import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEgress, type Egress } from '../create-egress.ts';
import { type ProxyServer, startProxy } from '../proxy/start-proxy.ts';

const dir = mkdtempSync(join(tmpdir(), 'genie-tls-'));
const seen: string[] = [];
const server = createServer((incoming, response) => {
  seen.push(`${incoming.headers.host} ${incoming.headers.authorization ?? 'nothing'}`);
  if (incoming.url === '/redirect') response.writeHead(302, { location: `https://other.test:${port}/` });
  response.end('ok');
});
let port: number;
let egress: Egress;
let proxy: ProxyServer;

beforeAll(async () => {
  const names = '/CN=api.test';
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      join(dir, 'key'),
      '-out',
      join(dir, 'cert'),
      '-subj',
      names,
      '-addext',
      'subjectAltName=DNS:api.test,DNS:other.test',
    ],
    { stdio: 'ignore' },
  );
  const cert = readFileSync(join(dir, 'cert'), 'utf8');
  server.setSecureContext({ key: readFileSync(join(dir, 'key')), cert });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  egress = createEgress({
    allow: [
      { host: 'api.test', ports: [80, port] },
      { host: 'other.test', ports: [port] },
    ],
    allowPrivate: [`127.0.0.1:${port}`],
    lookup: async () => ['127.0.0.1'],
    credentials: [{ host: 'api.test', port, header: 'authorization', value: () => 'Bearer secret' }],
    certificateAuthorities: [cert],
  });
  proxy = await startProxy(egress);
});

afterAll(async () => {
  await proxy.close();
  await egress.close();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

const throughProxy = (host: string, headers: Record<string, string> = {}): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: proxy.port, path: `http://${host}/`, headers: { host, ...headers } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    outgoing.on('error', reject).end();
  });

describe('credentials', () => {
  it('are added to fetch for their host only, in place of what the asker sends', async () => {
    seen.length = 0;
    await egress.fetch(`https://api.test:${port}/`, { headers: { Authorization: 'mine' } });
    await egress.fetch(`https://other.test:${port}/`);
    expect(seen).toEqual([`api.test:${port} Bearer secret`, `other.test:${port} nothing`]);
  });

  it('stay behind when their host redirects to another one', async () => {
    seen.length = 0;
    await egress.fetch(`https://api.test:${port}/redirect`, { headers: { 'x-key': 'mine' } });
    expect(seen).toEqual([`api.test:${port} Bearer secret`, `other.test:${port} nothing`]);
  });

  it('turn a plain request through the proxy into one over TLS', async () => {
    seen.length = 0;
    expect(await throughProxy('api.test', { authorization: 'mine' })).toBe(200);
    expect(seen).toEqual([`api.test:${port} Bearer secret`]);
  });

  it('are refused for more than one host, and their values are never shown', () => {
    const create = (credential: { host: string; header: string; value: string }) => () =>
      createEgress({ allow: [], credentials: [credential] });
    expect(create({ host: '*.test', header: 'authorization', value: 'top-secret' })).toThrow(/exact host/);
    expect(create({ host: 'a.test', header: 'Host', value: 'top-secret' })).toThrow(/(?!.*top-secret)header/);
  });

  it('of one host go to one port', () => {
    const [header, value] = ['authorization', 'x'];
    const credentials = [443, 8443].map((one) => ({ host: 'a.test', port: one, header, value }));
    expect(() => createEgress({ allow: [], credentials })).toThrow('one port');
  });

  it.each(['direct', 'in a tunnel'])(
    'that cannot be had end the request (%s), tell no secret and stop nothing else',
    async (way) => {
      const value = (): string => {
        throw new Error('the vault with top-secret is sealed');
      };
      const own = createEgress({
        allow: [],
        allowPrivate: [`127.0.0.1:${port}`],
        lookup: async () => ['127.0.0.1'],
        credentials: [{ host: 'new.test', port, header: 'authorization', value }],
      });
      const ownProxy = await startProxy(own);
      await own.grant({ host: 'new.test', port, methodClass: 'write' });
      const at = `new.test:${port}`;
      const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: ${at}\r\n\r\n`;
      const parts =
        way === 'direct' ? [get(`http://${at}/`)] : [`CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n`, get('/')];
      const reply = await converse(ownProxy.port, parts);
      expect(reply).toMatch(/HTTP\/1\.1 502 .*authorization cannot be had/s);
      expect(reply).not.toContain('top-secret');
      await ownProxy.close();
      await own.close();
    },
  );
});

/** Sends each part when the one before was answered; resolves to everything that came back until the end. */
function converse(to: number, parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = '';
    const rest = [...parts];
    const socket = connect(to, '127.0.0.1', () => socket.write(rest.shift() ?? ''));
    socket.on('data', (chunk) => {
      all += chunk.toString('latin1');
      socket.write(rest.shift() ?? '');
    });
    socket.on('close', () => resolve(all)).on('error', reject);
  });
}
