import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { localServer, page } from '../testing/local-server.ts';
import { callTool } from '../testing/tool-context.ts';
import { fetchPage } from './fetch-page.ts';
import { parseRobots } from './parse-robots.ts';

describe('parseRobots', () => {
  it.each([
    ['User-agent: *\nDisallow: /private', '/private/x', false],
    ['User-agent: *\nDisallow: /private', '/public', true],
    ['User-agent: *\nDisallow:', '/x', true],
    ['User-agent: *\nDisallow: /\nAllow: /open', '/open/x', true],
    ['User-agent: *\nDisallow: /a\nAllow: /a', '/a', true],
    ['User-agent: genie\nDisallow: /\n\nUser-agent: *\nAllow: /', '/x', false],
    ['User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /b', '/x', true],
    ['User-agent: other\nUser-agent: GENIE/1.0\nDisallow: /c', '/c', false],
    ['User-agent: *\nDisallow: /*.pdf$', '/a/b.pdf', false],
    ['User-agent: *\nDisallow: /*.pdf$', '/a/b.pdf?x', true],
    ['User-agent: *\nDisallow: /a*b*c', '/a1b2c3', false],
    ['# comment\nuser-agent : *  # all\ndisallow : /x # here', '/x', false],
    ['<html>not a robots file</html>', '/x', true],
  ])('%j says of %s: %s', (text, path, allowed) => {
    expect(parseRobots(text, 'genie').allows(path)).toBe(allowed);
  });

  it('answers for any text and any path', () => {
    const line = fc.oneof(fc.string(), fc.constantFrom('User-agent: *', 'Disallow: /*a*', 'Allow: $', 'Disallow: *'));
    fc.assert(
      fc.property(
        fc.array(line),
        fc.string(),
        (lines, path) => typeof parseRobots(lines.join('\n'), 'genie').allows(`/${path}`) === 'boolean',
      ),
    );
  });
});

describe('fetch_page and robots.txt', () => {
  it('does not read what a server asks programs not to, and asks only once', async () => {
    let asked = 0;
    let read = 0;
    await using server = await localServer({
      '/robots.txt': (_request, response) => {
        asked += 1;
        response.end('User-agent: *\nDisallow: /private');
      },
      '/private': (_request, response) => {
        read += 1;
        response.writeHead(200, { 'content-type': 'text/plain' }).end('private');
      },
      '/open': page('text/plain', 'open'),
    });
    const tool = fetchPage();
    await expect(callTool(tool, { url: `${server.url}/private` }, { fetch })).rejects.toMatchObject({
      code: 'GENIE_WEB_ROBOTS',
    });
    expect(await callTool(tool, { url: `${server.url}/open` }, { fetch })).toMatchObject({ items: [{ text: 'open' }] });
    expect([asked, read]).toEqual([1, 0]);
    expect(await callTool(fetchPage({ robots: false }), { url: `${server.url}/private` }, { fetch })).toMatchObject({
      items: [{ text: 'private' }],
    });
  });

  it('takes a server that cannot serve its robots.txt for a no', async () => {
    await using server = await localServer({
      '/robots.txt': (_request, response) => response.writeHead(503).end(),
      '/': page('text/plain', 'x'),
    });
    await expect(callTool(fetchPage(), { url: `${server.url}/` }, { fetch })).rejects.toMatchObject({
      code: 'GENIE_WEB_ROBOTS',
    });
  });
});

describe('fetch_page and validators', () => {
  it('asks whether a page changed, and uses what it has when it did not', async () => {
    const statuses: number[] = [];
    let version = 1;
    await using server = await localServer({
      '/': (request, response) => {
        const same = request.headers['if-none-match'] === `"v${version}"`;
        statuses.push(same ? 304 : 200);
        if (same) response.writeHead(304).end();
        else response.writeHead(200, { 'content-type': 'text/plain', etag: `"v${version}"` }).end(`version ${version}`);
      },
    });
    const tool = fetchPage();
    const read = async () =>
      ((await callTool(tool, { url: `${server.url}/` }, { fetch })) as { items: { text: string }[] }).items[0]?.text;
    expect([await read(), await read()]).toEqual(['version 1', 'version 1']);
    version = 2;
    expect(await read()).toBe('version 2');
    expect(statuses).toEqual([200, 304, 200]);
  });
});
