import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenWorld, openAttackWorld } from './attack-world.ts';

// Pieces of requests as attackers put them together, and what they put in between.
const lines = (at: string, victim: string): readonly string[] => [
  `Host: ${at}`,
  `Host: ${victim}`,
  `Host : ${at}`,
  ` Host: ${victim}`,
  `\tX: folded`,
  `hOST:${at}`,
  'Content-Length: 5',
  'Content-Length: 0',
  'Content-Length: 5, 5',
  'Content-Length: +5',
  'Content-Length: 0x5',
  'Content-Length : 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding:\u000bchunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked\r\nX: y',
  'Transfer_Encoding: chunked',
  'Connection: close, Content-Length',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Proxy-Connection: keep-alive',
  'Trailer: Host',
  'TE: trailers, chunked',
  `X-Forwarded-Host: ${victim}`,
  `X: ${'a'.repeat(5_000)}`,
  'X: a\u0000b',
  'X: a\rb',
];
const bodies: readonly string[] = [
  '',
  'hello',
  '0\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;a=b\r\nhello\r\n0\r\n\r\n',
  '5\nhello\n0\n\n',
  '0x5\r\nhello\r\n0\r\n\r\n',
  '5 \r\nhello\r\n0\r\nHost: x\r\n\r\n',
  'ffffffffffffffff5\r\nhello\r\n0\r\n\r\n',
  '-1\r\n\r\n',
];
const ends = [...Array<string>(20).fill('\r\n'), '\n', '\r', '\r\r\n', '\n\r'];

let open: OpenWorld;

beforeAll(async () => {
  open = await openAttackWorld({ proxy: { auth: 'user:correct horse', requestTimeoutMs: 600, headersTimeoutMs: 300 } });
});

afterAll(() => open.close());

/** A request line, a few headers, a body, and a second request behind it that must never be judged as part of the first. */
function request(at: string, victim: string): fc.Arbitrary<string> {
  const target = fc.constantFrom(
    ...Array<string>(12).fill(`http://${at}/a`),
    ...['/a', `http://${victim}/a`, `http://${at}@${victim}/a`],
    ...[
      `http://${at}\\@${victim}/a`,
      `http://${at}#@${victim}/a`,
      `HTTP://${at}/a`,
      `http:/${at}/a`,
      `//${victim}/a`,
      '*',
    ],
  );
  const end = fc.constantFrom(...ends);
  const headers = fc.array(fc.tuple(fc.constantFrom(...lines(at, victim)), end), { maxLength: 3 });
  return fc
    .record({
      method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'POST', 'PUT', 'HEAD', 'get', 'TRACE', 'CONNECT'),
      version: fc.constantFrom(...Array<string>(12).fill('HTTP/1.1'), 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'HTTP/0.9'),
      target,
      end,
      headers,
      hasHost: fc.constantFrom(true, true, true, false),
      body: fc.constantFrom(...bodies),
    })
    .map(({ method, version, target: to, end: first, headers: rest, hasHost, body }) => {
      const host = hasHost ? `Host: ${at}\r\n` : '';
      const head = `${method} ${to} ${version}${first}${host}${rest.map(([line, stop]) => line + stop).join('')}\r\n${body}`;
      return `${head}GET http://${victim}/smuggled HTTP/1.1\r\nHost: ${victim}\r\n\r\n`;
    });
}

describe('requests put together from the pieces of attacks', () => {
  it('never reach the victim, and what arrives is one clean request to the allowed server', async () => {
    const { ports } = open.world;
    const [at, victim] = [`allowed.test:${ports.allowed}`, `127.0.0.1:${ports.victim}`];
    const seed = Math.trunc(Math.random() * 2 ** 31);
    const samples = fc.sample(request(at, victim), { numRuns: 3_000, seed });
    for (let from = 0; from < samples.length; from += 100) {
      const batch = samples.slice(from, from + 100);
      await Promise.all(batch.map((bytes) => open.world.send(bytes, { quietMs: 120, everyRequest: true })));
    }
    const { arrived } = open.world;
    expect(arrived.length).toBeGreaterThan(100);
    expect(open.world.victimConnections()).toBe(0);
    for (const { at: server, method, url, headers, body } of arrived) {
      expect([server, url, headers.host], `seed ${seed}`).toEqual(['allowed', '/a', at]);
      // A length of 5 takes the first five bytes of whatever follows.
      const mayFollow = ['', 'hello', 'GET h', ...bodies.map((text) => `${text}GET h`.slice(0, 5))];
      expect(mayFollow, `seed ${seed}`).toContain(body);
      for (const name of ['proxy-authorization', 'proxy-connection', 'te', 'trailer', 'http2-settings'])
        expect(headers).not.toHaveProperty(name);
      // A clean upgrade goes on as one; nothing else carries the header.
      const asUpgrade = [method, headers.upgrade, body];
      if ('upgrade' in headers) expect(asUpgrade, `seed ${seed}`).toEqual(['GET', 'websocket', '']);
      expect('content-length' in headers && 'transfer-encoding' in headers).toBe(false);
    }
    // Still alive, and still the same filter.
    expect(await open.world.fetch(`http://allowed.test:${ports.allowed}/`)).toBe('status 200');
    expect(await open.world.fetch(`http://evil.test:${ports.allowed}/`)).toBe('not-allowed');
  });
});
