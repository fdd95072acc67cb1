import { gzipSync } from 'node:zlib';
import { ApprovalRequiredError } from '@genie/core/errors';
import { describe, expect, it } from 'vitest';
import type { SourceOutput } from '../sources/source-output.ts';
import { localServer, page } from '../testing/local-server.ts';
import { callTool } from '../testing/tool-context.ts';
import { fetchPage } from './fetch-page.ts';
import { readFeed } from './read-feed.ts';

const article = `<html><head><title>How bridges stand | Site</title><meta property="article:published_time" content="2026-02-01T08:00:00Z"><meta name="author" content="Ada">
</head><body><nav><a href="/home">Home</a> <a href="/shop">Shop</a></nav><main><article><h1>How bridges stand</h1>${'<p>Stone arches carry their load by compression, which is why they have stood for two thousand years without any mortar at all.</p>'.repeat(6)}
<h2>Steel</h2><ul><li>cheap</li><li>strong</li></ul><p>See <a href="/more">more about steel</a>.</p></article></main><footer>Copyright, cookies, privacy</footer><script>alert(1)</script></body></html>`;

const visit = (url: string, more: object = {}) =>
  callTool(fetchPage(), { url, ...more }, { fetch }) as Promise<SourceOutput>;

describe('fetch_page', () => {
  it('gives the main text as Markdown with title, date, author and links', async () => {
    await using server = await localServer({ '/a': page('text/html; charset=utf-8', article) });
    const result = await visit(`${server.url}/a`);
    const [item] = result.items;
    expect(item).toMatchObject({
      title: 'How bridges stand | Site',
      date: '2026-02-01T08:00:00.000Z',
      author: 'Ada',
      location: `${server.url}/a`,
    });
    expect(item?.text).toContain('## Steel');
    expect(item?.text).toMatch(/-\s+cheap/);
    expect(item?.text).not.toMatch(/alert|cookies|Shop/);
    expect(result.links).toEqual([{ text: 'more about steel', url: `${server.url}/more` }]);
    expect((await visit(`${server.url}/a`, { since: result.cursor })).items).toEqual([]);
  });

  it.each([
    ['latin1 by header', 'text/html; charset=iso-8859-1', Buffer.from('<p>Grüße</p>', 'latin1')],
    ['windows-1252 by meta', 'text/html', Buffer.from('<meta charset="windows-1252"><p>Grüße</p>', 'latin1')],
    ['utf-16 by mark', 'text/html', Buffer.from('\ufeff<p>Grüße</p>', 'utf16le')],
    ['utf-8 without a word', 'text/html', Buffer.from('<p>Grüße</p>')],
    ['latin1 without a word', 'text/html', Buffer.from('<p>Grüße</p>', 'latin1')],
    ['an unknown label', 'text/html; charset=klingon', Buffer.from('<p>Grüße</p>')],
  ])('reads %s', async (_name, contentType, bytes) => {
    await using server = await localServer({ '/': page(contentType, bytes) });
    expect((await visit(`${server.url}/`)).items[0]?.text).toBe('Grüße');
  });

  it('follows redirects and cites where it arrived', async () => {
    await using server = await localServer({
      '/old': (_request, response) => response.writeHead(302, { location: '/new' }).end(),
      '/new': page('text/plain', 'arrived'),
    });
    expect((await visit(`${server.url}/old`)).items[0]).toMatchObject({
      text: 'arrived',
      location: `${server.url}/new`,
    });
  });

  it('stops a body that unpacks to more than the limit', async () => {
    await using server = await localServer({
      '/': page('text/plain', gzipSync(Buffer.alloc(60 * 1024 * 1024)), { 'content-encoding': 'gzip' }),
    });
    await expect(visit(`${server.url}/`)).rejects.toMatchObject({ code: 'GENIE_WEB_TOO_LARGE' });
  });

  it('gives coded errors for a bad status, a wrong type, a bad address, a dead server and a broken transfer', async () => {
    await using server = await localServer({
      '/busy': (_request, response) => response.writeHead(503, { 'retry-after': '9' }).end(),
      '/image': page('image/png', 'x'),
      '/broken': (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' }).write('half');
        setTimeout(() => response.destroy(), 20);
      },
    });
    await expect(visit(`${server.url}/busy`)).rejects.toMatchObject({
      code: 'GENIE_WEB_STATUS',
      details: { status: 503 },
    });
    await expect(visit(`${server.url}/image`)).rejects.toMatchObject({ code: 'GENIE_WEB_TYPE' });
    await expect(visit(`${server.url}/broken`)).rejects.toMatchObject({ code: 'GENIE_WEB_FAILED' });
    await expect(visit('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'GENIE_WEB_FAILED' });
    for (const url of ['file:///etc/passwd', 'data:text/plain,x', 'http://user:pass@example.com/', 'nothing']) {
      await expect(visit(url)).rejects.toMatchObject({ code: 'GENIE_WEB_URL' });
    }
  });

  it('passes the question of the egress filter through untouched, and has no way out without one', async () => {
    const asked = new ApprovalRequiredError('Ask the user.', ['approval_1']);
    await expect(
      callTool(fetchPage(), { url: 'https://example.com' }, { fetch: () => Promise.reject(asked) }),
    ).rejects.toBe(asked);
    await expect(callTool(fetchPage(), { url: 'https://example.com' })).rejects.toMatchObject({
      code: 'GENIE_EGRESS_DENIED',
    });
  });

  it('is cancelled in the middle of a transfer', async () => {
    await using server = await localServer({
      '/': (_request, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).write('slow'),
    });
    await expect(
      callTool(fetchPage(), { url: `${server.url}/` }, { fetch, signal: AbortSignal.timeout(50) }),
    ).rejects.toThrow();
  });
});

describe('read_feed', () => {
  const feed = (...ids: string[]) =>
    `<rss><channel>${ids.map((id) => `<item><guid>${id}</guid><title>Entry ${id}</title><description>&lt;p&gt;About ${id}&lt;/p&gt;</description></item>`).join('')}</channel></rss>`;

  it('gives what the cursor has not seen, also entries with an older date', async () => {
    let content = feed('1', '2');
    await using server = await localServer({
      '/feed': (_request, response) => response.writeHead(200, { 'content-type': 'application/rss+xml' }).end(content),
    });
    const read = (more: object = {}) =>
      callTool(readFeed(), { url: `${server.url}/feed`, ...more }, { fetch }) as Promise<SourceOutput>;
    const first = await read();
    expect(first.items.map(({ id, title, text }) => ({ id, title, text }))).toEqual([
      { id: '1', title: 'Entry 1', text: 'About 1' },
      { id: '2', title: 'Entry 2', text: 'About 2' },
    ]);
    expect((await read({ since: first.cursor })).items).toEqual([]);
    content = feed('2', '1', '0');
    expect((await read({ since: first.cursor })).items.map((item) => item.id)).toEqual(['0']);
    expect((await read({ limit: 1 })).truncated).toBe(true);
  });

  it('says that a page is no feed', async () => {
    await using server = await localServer({ '/': page('text/html', '<html><body>hello</body></html>') });
    await expect(callTool(readFeed(), { url: `${server.url}/` }, { fetch })).rejects.toMatchObject({
      code: 'GENIE_FEED_INVALID',
    });
  });
});
