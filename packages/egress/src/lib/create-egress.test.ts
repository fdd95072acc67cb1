import { createSocket } from 'node:dgram';
import { get, request } from 'node:http';
import { GenieError } from '@genie/core/errors';
import type { GenieEvent } from '@genie/core/ports';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type AuditEntry,
  createEgress,
  createResolverLookup,
  type Egress,
  type EgressOptions,
  startProxy,
} from '../index.ts';
import { type Answerer, type OriginServer, startOrigin } from './testing/origin-server.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Bench {
  readonly egress: Egress;
  readonly origin: OriginServer;
  readonly url: (path?: string, host?: string) => string;
  readonly lookups: string[];
  readonly log: AuditEntry[];
  readonly events: GenieEvent[];
}

async function open(options: Partial<EgressOptions> = {}, answer?: Answerer): Promise<Bench> {
  const origin = await startOrigin(answer);
  const lookups: string[] = [];
  const log: AuditEntry[] = [];
  const events: GenieEvent[] = [];
  const egress = createEgress({
    allow: ['allowed.test'],
    ports: [origin.port],
    allowPrivate: [`127.0.0.1:${origin.port}`],
    lookup: async (host: string) => {
      lookups.push(host);
      return ['127.0.0.1'];
    },
    audit: {
      append(entry) {
        log.push(entry);
        return undefined;
      },
    },
    events: (event) => events.push(event),
    ...options,
  });
  cleanups.push(
    () => origin.close(),
    () => egress.close(),
  );
  return {
    egress,
    origin,
    lookups,
    log,
    events,
    url: (path = '/', host = 'allowed.test') => `http://${host}:${origin.port}${path}`,
  };
}

const codeAndReason = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  if (!GenieError.isInstance(error)) throw error;
  return `${error.code} ${String(error.details?.reason)}`;
};

describe('createEgress', () => {
  it('fetches what is allowed, resolving once and reusing the connection', async () => {
    const { egress, origin, url, lookups } = await open();
    for (const path of ['/a', '/b', '/c']) expect(await (await egress.fetch(url(path))).text()).toBe('hello');
    expect(origin.requests.map((request) => request.url)).toEqual(['/a', '/b', '/c']);
    expect(lookups).toHaveLength(origin.connections());
    expect(origin.connections()).toBeLessThan(3);
  });

  it('denies everything else, without a DNS query', async () => {
    const { egress, url, lookups, origin } = await open();
    expect(await codeAndReason(egress.fetch(url('/', 'other.test')))).toBe('GENIE_EGRESS_DENIED not-allowed');
    expect(lookups).toEqual([]);
    expect(origin.connections()).toBe(0);
  });

  it('denies all with an empty allowlist', async () => {
    const { egress, url } = await open({ allow: [] });
    expect(await codeAndReason(egress.fetch(url()))).toBe('GENIE_EGRESS_DENIED not-allowed');
  });

  it('judges every hop of a redirect', async () => {
    const { egress, url, origin } = await open({}, (request, response) => {
      const host = request.url === '/out' ? 'other.test' : 'allowed.test';
      if (request.url === '/end') response.end('arrived');
      else response.writeHead(302, { location: `http://${host}:${request.headers.host?.split(':')[1]}/end` }).end();
    });
    expect(await (await egress.fetch(url('/in'))).text()).toBe('arrived');
    expect(await codeAndReason(egress.fetch(url('/out')))).toBe('GENIE_EGRESS_DENIED not-allowed');
    expect(origin.requests.map((request) => request.url)).toEqual(['/in', '/end', '/out']);
  });

  it('refuses a name with one private answer among public ones', async () => {
    const { egress, url } = await open({ lookup: async () => ['93.184.216.34', '10.0.0.1'] });
    expect(await codeAndReason(egress.fetch(url()))).toBe('GENIE_EGRESS_DENIED address');
  });

  it('takes a lookup in the form of dns.lookup', async () => {
    const { egress, url } = await open({
      lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1' }]),
    });
    expect((await egress.fetch(url())).status).toBe(200);
  });

  it('allows an address that the operator lists with its port, and no other', async () => {
    const origin = await startOrigin();
    cleanups.push(() => origin.close());
    const { egress, origin: second } = await open({ allow: [`127.0.0.1:${origin.port}`] });
    expect((await egress.fetch(`http://127.0.0.1:${origin.port}/`)).status).toBe(200);
    expect(await codeAndReason(egress.fetch(`http://127.0.0.1:${second.port}/`))).toBe(
      'GENIE_EGRESS_DENIED address-literal',
    );
    expect(await codeAndReason(egress.fetch(`http://2130706433:${origin.port}/`))).toBe(
      'GENIE_EGRESS_DENIED address-literal',
    );
  });

  it('sends bodies, headers and Request objects of Node', async () => {
    const { egress, url, origin } = await open();
    const form = new FormData();
    form.append('name', 'value');
    await egress.fetch(new Request(url('/request'), { method: 'POST', body: 'text', headers: { 'x-one': '1' } }));
    await egress.fetch(url('/form'), { method: 'POST', body: form });
    expect(origin.requests[0]).toMatchObject({ method: 'POST', body: 'text', headers: { 'x-one': '1' } });
    expect(origin.requests[1]?.body).toContain('name="name"');
  });

  it('aborts with the signal of the caller', async () => {
    const { egress, url } = await open({}, () => undefined);
    const controller = new AbortController();
    const work = egress.fetch(url(), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(work).rejects.toThrow('enough');
  });

  it('writes every decision down before it acts, secrets masked', async () => {
    const { egress, url, log, events } = await open();
    await (await egress.fetch(url('/path?key=secret'), {}, { runId: 'run_1', tool: 'web' })).text();
    await egress.fetch(url('/', 'other.test')).catch(() => undefined);
    expect(log.map((entry) => [entry.event, entry.host, entry.path, entry.rule ?? entry.reason])).toEqual([
      ['allowed', 'allowed.test', '/path?key=***', 'allowed.test'],
      ['closed', 'allowed.test', undefined, undefined],
      ['blocked', 'other.test', '/', 'not-allowed'],
    ]);
    expect(log[0]).toMatchObject({ runId: 'run_1', tool: 'web' });
    expect(log[1]).toMatchObject({ exitId: log[0]?.exitId, status: 200, bytesDown: 5 });
    expect(events.map((event) => event.type)).toEqual(['egress.allowed', 'egress.blocked']);
  });

  it('reports an allowed name with a forbidden address', async () => {
    const { egress, url, events, log } = await open({ lookup: async () => ['10.0.0.1'] });
    const proxy = await startProxy(egress);
    cleanups.push(() => proxy.close());
    await egress.fetch(url()).catch(() => undefined);
    await new Promise<void>((resolve) =>
      get({ port: proxy.port, host: '127.0.0.1', path: url(), headers: { host: new URL(url()).host } }, (answer) =>
        answer.resume().on('end', resolve),
      ),
    );
    await new Promise<void>((resolve) =>
      request({ port: proxy.port, host: '127.0.0.1', method: 'CONNECT', path: new URL(url()).host })
        .on('connect', () => resolve())
        .end(),
    );
    await new Promise<void>((resolve) =>
      get({
        port: proxy.port,
        host: '127.0.0.1',
        path: url(),
        headers: { host: new URL(url()).host, connection: 'upgrade', upgrade: 'websocket' },
      }).on('response', (answer) => answer.resume().on('end', resolve)),
    );
    const forms = ['fetch', 'absolute', 'connect', 'upgrade'];
    const reasons = forms.map(() => 'address');
    expect(events.filter((event) => event.type === 'egress.blocked').map((event) => event.reason)).toEqual(reasons);
    expect(log.filter((entry) => entry.event === 'blocked').map((entry) => entry.form)).toEqual(forms);
    expect(log.filter((entry) => entry.event === 'closed').map((entry) => entry.reason)).toEqual(reasons);
  });

  it('lets nothing out when the log cannot be written', async () => {
    const { egress, url, origin } = await open({
      audit: {
        append() {
          throw new Error('ENOSPC: no space left on device');
        },
      },
    });
    expect(await codeAndReason(egress.fetch(url()))).toBe('GENIE_EGRESS_AUDIT audit');
    expect(origin.connections()).toBe(0);
  });

  it('keeps byte limits, methods and rates of an entry', async () => {
    const { egress, url } = await open(
      {
        allow: [
          {
            host: 'allowed.test',
            methods: ['GET', 'POST'],
            maxResponseBytes: 10,
            maxRequestBytes: 5,
            requestsPerMinute: 4,
          },
        ],
      },
      (request, response) => response.end('x'.repeat(request.url === '/long' ? 11 : 10)),
    );
    expect(await (await egress.fetch(url('/short'))).text()).toBe('x'.repeat(10));
    expect(await codeAndReason(egress.fetch(url('/short'), { method: 'DELETE' }))).toBe(
      'GENIE_EGRESS_DENIED not-allowed',
    );
    expect(await codeAndReason(egress.fetch(url('/short'), { method: 'POST', body: '123456' }))).toBe(
      'GENIE_EGRESS_LIMIT request-bytes',
    );
    await expect(egress.fetch(url('/long')).then((response) => response.text())).rejects.toThrow();
    await egress.fetch(url('/short'));
    expect(await codeAndReason(egress.fetch(url('/short')))).toBe('GENIE_EGRESS_BUSY rate');
  });

  it.each([
    ['never answers', () => new Promise<never>(() => undefined), 'GENIE_EGRESS_UNREACHABLE resolver'],
    ['fails', () => Promise.reject(new Error('SERVFAIL')), 'GENIE_EGRESS_UNREACHABLE resolver'],
    [
      'knows no such name',
      () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })),
      'GENIE_EGRESS_UNREACHABLE name-not-found',
    ],
    ['answers with nothing', async () => [], 'GENIE_EGRESS_UNREACHABLE name-not-found'],
    ['answers with nonsense', async () => ['nonsense'], 'GENIE_EGRESS_DENIED address'],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'GENIE_EGRESS_UNREACHABLE resolver',
    ],
  ])('survives a resolver that %s', async (_what, lookup, expected) => {
    const { egress, url } = await open({ lookup, lookupTimeoutMs: 100 });
    expect(await codeAndReason(egress.fetch(url()))).toBe(expected);
  });

  it('asks a DNS server of its own and gives up when it is silent', async () => {
    const silent = createSocket('udp4');
    await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
    cleanups.push(async () => void silent.close());
    const { egress, url } = await open({
      lookup: createResolverLookup(`127.0.0.1:${silent.address().port}`),
      lookupTimeoutMs: 150,
    });
    expect(await codeAndReason(egress.fetch(url()))).toBe('GENIE_EGRESS_UNREACHABLE resolver');
  });

  it('says that it is closed', async () => {
    const { egress, url } = await open();
    await egress.close();
    expect(await codeAndReason(egress.fetch(url()))).toBe('GENIE_EGRESS_CLOSED closed');
  });

  it.each([
    ['*', 'Everything cannot be allowed'],
    ['*.com', 'public suffix'],
    ['*.github.io', 'public suffix'],
    ['https://example.com/path', 'Did you mean "example.com"?'],
    ['example.com.', 'Did you mean "example.com"?'],
    ['exa mple.com', 'Write a host'],
    ['127.0.0.1', 'exact port'],
    ['localhost', 'exact port'],
    ['example.com:0443', 'Write a host'],
    ['0x7f.1:80', 'unusual spelling'],
  ])('refuses the allowlist entry %s with the fix', (entry, fix) => {
    expect(() => createEgress({ allow: [entry] })).toThrow(fix);
  });
});
