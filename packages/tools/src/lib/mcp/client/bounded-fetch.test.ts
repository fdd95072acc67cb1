import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { boundedFetch } from './bounded-fetch.ts';

const megabyte = 1024 * 1024;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Answers with up to 100 MB and counts what was taken. */
async function serve(headers: Record<string, string>, part: Buffer): Promise<{ url: string; sent: () => number }> {
  let sent = 0;
  const write = (response: ServerResponse): void => {
    while (sent < 100 * megabyte) {
      sent += part.length;
      if (!response.write(part)) return void response.once('drain', () => write(response));
    }
    response.end();
  };
  const server = createServer((_request, response) => {
    response.writeHead(200, headers);
    response.flushHeaders();
    write(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sent: () => sent };
}

describe('boundedFetch', () => {
  const fetchBounded = boundedFetch(fetch, megabyte);

  it('refuses an answer by the length it names, and reads nothing of it', async () => {
    const { url, sent } = await serve({ 'content-length': String(100 * megabyte) }, Buffer.alloc(64 * 1024));
    await expect(fetchBounded(url)).rejects.toMatchObject({ code: 'GENIE_MCP_TOO_LARGE' });
    expect(sent()).toBeLessThan(20 * megabyte);
  });

  it.each<[string, Record<string, string>, Buffer]>([
    ['an answer without a length', { 'content-type': 'application/json' }, Buffer.alloc(64 * 1024, 'x')],
    ['one line of an event', { 'content-type': 'text/event-stream' }, Buffer.alloc(64 * 1024, 'x')],
    ['an event of many lines', { 'content-type': 'text/event-stream' }, Buffer.from('data: x\n'.repeat(8_192))],
    [
      'an answer that is small until it is unpacked',
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      gzipSync(Buffer.alloc(10 * megabyte)),
    ],
  ])('breaks off %s', async (_name, headers, part) => {
    const { url, sent } = await serve(headers, part);
    const response = await fetchBounded(url);
    await expect(response.text()).rejects.toMatchObject({ code: 'GENIE_MCP_TOO_LARGE' });
    expect(sent()).toBeLessThan(20 * megabyte);
  });

  it.each(['\n', '\r\n', '\r'])('lets any number of events pass that end with %j', async (end) => {
    const event = `data: ${'x'.repeat(1_000)}${end}${end}`;
    const fetchEvents = boundedFetch(
      async () => new Response(event.repeat(50), { headers: { 'content-type': 'text/event-stream' } }),
      2_000,
    );
    expect(await (await fetchEvents('http://local')).text()).toHaveLength(event.length * 50);
  });
});
