import { fixedClock } from '@genie/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createMcpServer } from '../server/create-mcp-server.ts';
import { createLegacySessions } from './legacy-sessions.ts';
import { type HttpEndpoint, type ServeHttpOptions, serveHttp } from './serve-http.ts';

const open: HttpEndpoint[] = [];
afterEach(async () => {
  for (const endpoint of open.splice(0)) await endpoint.close();
});

async function serve(options: Partial<ServeHttpOptions>): Promise<HttpEndpoint> {
  const endpoint = await serveHttp(createMcpServer({ name: 'test', version: '1.0.0' }), { port: 0, ...options });
  open.push(endpoint);
  return endpoint;
}

const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'many', version: '1' } },
});
const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });

async function openSession(
  url: string,
): Promise<{ status: number; id: string; text: string; retryAfter: string | null }> {
  const answer = await fetch(url, { method: 'POST', headers, body: initialize });
  const id = answer.headers.get('mcp-session-id') ?? '';
  return { status: answer.status, id, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
}

const use = (url: string, id: string): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { ...headers, 'mcp-session-id': id }, body: list });

describe('sessions of older clients', () => {
  it('stay bounded when a thousand are opened, fifty at a time; who lost one is told to start anew', async () => {
    const endpoint = await serve({ maxSessions: 8 });
    const { id: first } = await openSession(endpoint.url);
    let most = 0;
    for (let round = 0; round < 20; round += 1) {
      const opened = await Promise.all(
        Array.from({ length: 50 }, () =>
          openSession(endpoint.url).then((answer) => {
            most = Math.max(most, endpoint.sessions);
            return answer;
          }),
        ),
      );
      for (const { status, text } of opened) {
        expect([200, 503]).toContain(status);
        if (status === 503) expect(text).toContain('All 8 sessions are in use.');
      }
    }
    expect(most).toBeLessThanOrEqual(8);
    const forgotten = await use(endpoint.url, first);
    expect([forgotten.status, await forgotten.text()]).toEqual([404, expect.stringContaining('Session not found')]);
    const { status, id } = await openSession(endpoint.url);
    expect([status, (await use(endpoint.url, id)).status]).toEqual([200, 200]);
  }, 30_000);

  it('stay bounded when many are opened in one moment', async () => {
    const sessions = createLegacySessions(createMcpServer({ name: 'test', version: '1.0.0' }), {
      clock: fixedClock(),
      maxSessions: 3,
      idleMs: 60_000,
      maxBodyBytes: 100_000,
    });
    const request = () => new Request('http://local/mcp', { method: 'POST', headers, body: initialize });
    const answers = await Promise.all(Array.from({ length: 20 }, () => sessions.handle(request())));
    expect(sessions.size).toBe(3);
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(17);
    await sessions.close();
  });

  it('end when they were not used for long, and only then', async () => {
    const clock = fixedClock();
    const endpoint = await serve({ clock, sessionIdleMs: 60_000 });
    const unused = await openSession(endpoint.url);
    const used = await openSession(endpoint.url);
    clock.advance(50_000);
    await (await use(endpoint.url, used.id)).text();
    clock.advance(50_000);
    await openSession(endpoint.url);
    expect(endpoint.sessions).toBe(2);
    expect((await use(endpoint.url, unused.id)).status).toBe(404);
    expect((await use(endpoint.url, used.id)).status).toBe(200);
  });

  it('that are listened to are not dropped: a further client is told to come back later', async () => {
    const endpoint = await serve({ maxSessions: 2 });
    const streams = new AbortController();
    for (let count = 0; count < 2; count += 1) {
      const { id } = await openSession(endpoint.url);
      const stream = await fetch(endpoint.url, {
        headers: { accept: 'text/event-stream', 'mcp-session-id': id, 'mcp-protocol-version': '2025-11-25' },
        signal: streams.signal,
      });
      expect(stream.status).toBe(200);
    }
    expect(await openSession(endpoint.url)).toMatchObject({ status: 503, retryAfter: '5' });
    streams.abort();
    await expect.poll(async () => (await openSession(endpoint.url)).status).toBe(200);
  });

  it('take no request that is too large', async () => {
    const endpoint = await serve({ maxBodyBytes: 10_000 });
    const body = JSON.stringify({ ...JSON.parse(initialize), padding: 'x'.repeat(20_000) });
    const answer = await fetch(endpoint.url, { method: 'POST', headers, body });
    expect(answer.status).toBe(413);
    expect(endpoint.sessions).toBe(0);
  });
});
