import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { SourceOutput } from '../sources/source-output.ts';
import { localServer, page } from '../testing/local-server.ts';
import { callTool } from '../testing/tool-context.ts';
import { parseSitemap } from './parse-sitemap.ts';
import { readSitemap } from './read-sitemap.ts';

const read = (url: string, more: object = {}) =>
  callTool(readSitemap(), { url, ...more }, { fetch }) as Promise<SourceOutput>;
const urlset = (...entries: (readonly [string, string?])[]) =>
  `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${entries
    .map(([loc, date]) => `<url><loc>${loc}</loc>${date ? `<lastmod>${date}</lastmod>` : ''}</url>`)
    .join('')}</urlset>`;

describe('read_sitemap', () => {
  it('finds the sitemap by robots.txt, follows an index, unpacks, and lists the latest change first', async () => {
    const served: Record<string, ReturnType<typeof page>> = {};
    await using server = await localServer(served);
    served['/robots.txt'] = page('text/plain', `User-agent: *\nDisallow: /x\nSitemap: ${server.url}/index.xml\n`);
    served['/index.xml'] = page(
      'application/xml',
      `<sitemapindex><sitemap><loc>${server.url}/a.xml.gz</loc></sitemap><sitemap><loc>${server.url}/b.txt</loc></sitemap><sitemap><loc>${server.url}/index.xml</loc></sitemap></sitemapindex>`,
    );
    served['/a.xml.gz'] = page(
      'application/gzip',
      gzipSync(
        urlset(
          [`${server.url}/old?a=1&amp;b=2`, '2026-01-01'],
          [`${server.url}/new`, '2026-02-01T10:00:00Z'],
          ['javascript:alert(1)'],
        ),
      ),
    );
    served['/b.txt'] = page('text/plain', `${server.url}/undated\n`);
    const found = await read(`${server.url}/`);
    expect(found.items.map(({ location, date }) => [location.replace(server.url, ''), date])).toEqual([
      ['/new', '2026-02-01T10:00:00.000Z'],
      ['/old?a=1&b=2', '2026-01-01T00:00:00.000Z'],
      ['/undated', undefined],
    ]);
    const again = await read(`${server.url}/`, { since: found.cursor });
    expect(again).toMatchObject({ items: [], note: expect.stringContaining('1 pages have no date') });
  });

  it('falls back to the usual place, and says when there is none', async () => {
    const served: Record<string, ReturnType<typeof page>> = {};
    await using server = await localServer(served);
    await expect(read(server.url)).rejects.toMatchObject({ code: 'GENIE_WEB_STATUS' });
    served['/sitemap.xml'] = page('text/html', '<html><body>Not here</body></html>');
    await expect(read(server.url)).rejects.toMatchObject({ code: 'GENIE_FEED_INVALID' });
    served['/sitemap.xml'] = page('application/xml', urlset([`${server.url}/a`]));
    expect((await read(server.url)).items).toHaveLength(1);
  });

  it('unpacks no more than the limit, and expands no entities without end', async () => {
    const bomb = gzipSync(Buffer.alloc(60 * 1024 * 1024, 32));
    await using server = await localServer({ '/bomb.xml.gz': page('application/gzip', bomb) });
    await expect(read(`${server.url}/bomb.xml.gz`)).rejects.toMatchObject({ code: 'GENIE_WEB_TOO_LARGE' });
    const entities = `<!DOCTYPE u [<!ENTITY a "${'x'.repeat(1000)}">${Array.from({ length: 9 }, (_, n) => `<!ENTITY ${String.fromCharCode(98 + n)} "${`&${String.fromCharCode(97 + n)};`.repeat(10)}">`).join('')}]>`;
    const startedAt = performance.now();
    parseSitemap(`${entities}<urlset><url><loc>http://a.test/&j;</loc></url></urlset>`, 'http://a.test/');
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});
