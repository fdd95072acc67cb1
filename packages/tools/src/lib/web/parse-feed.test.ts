import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFeed } from './parse-feed.ts';

const url = 'https://example.com/feeds/main';

const rss = `<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>News &amp; more</title><item><title><![CDATA[First <b>one</b>]]></title><link>/a</link><guid isPermaLink="false">id-1</guid>
<pubDate>Tue, 03 Feb 2026 10:00:00 +0100</pubDate><dc:creator>Ada</dc:creator><description>short</description><content:encoded><![CDATA[<p>long</p>]]></content:encoded></item>
<item><title>Second &#8212; two</title><guid>https://example.com/b</guid></item></channel></rss>`;

const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">A &lt;b&gt;</title><entry><id>tag:1</id><title>One</title>
<link rel="self" href="https://example.com/self"/><link rel="alternate" href="one.html"/><published>2026-01-01T00:00:00Z</published><updated>2026-01-02T00:00:00Z</updated>
<author><name>Grace</name></author><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Mixed <em>text</em> in order</p></div></content></entry></feed>`;

const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>Old</title></channel>
<item rdf:about="https://example.com/r"><title>R</title><link>https://example.com/r</link><dc:date>2026-03-01</dc:date></item></rdf:RDF>`;

describe('parseFeed', () => {
  it('reads RSS 2.0', () => {
    expect(parseFeed(rss, url)).toEqual({
      title: 'News & more',
      entries: [
        {
          id: 'id-1',
          title: 'First <b>one</b>',
          html: '<p>long</p>',
          url: 'https://example.com/a',
          date: '2026-02-03T09:00:00.000Z',
          author: 'Ada',
        },
        { id: 'https://example.com/b', title: 'Second — two', html: '', url: 'https://example.com/b' },
      ],
    });
  });

  it('reads Atom with markup in its content and relative links', () => {
    const [entry] = parseFeed(atom, url).entries;
    expect(entry).toMatchObject({
      id: 'tag:1',
      title: 'One',
      url: 'https://example.com/feeds/one.html',
      date: '2026-01-02T00:00:00.000Z',
      author: 'Grace',
    });
    expect(entry?.html).toContain('Mixed <em>text</em> in order');
  });

  it('reads RDF', () => {
    expect(parseFeed(rdf, url).entries).toEqual([
      {
        id: 'https://example.com/r',
        title: 'R',
        html: '',
        url: 'https://example.com/r',
        date: '2026-03-01T00:00:00.000Z',
      },
    ]);
  });

  it('reads JSON Feed', () => {
    const text = JSON.stringify({
      version: 'https://jsonfeed.org/version/1.1',
      title: 'J',
      items: [
        {
          id: 1,
          url: 'https://example.com/1',
          title: 'T',
          content_text: 'hello',
          date_published: '2026-01-01T00:00:00Z',
          authors: [{ name: 'Lin' }],
        },
      ],
    });
    expect(parseFeed(text, url).entries[0]).toEqual({
      id: '1',
      title: 'T',
      html: 'hello',
      url: 'https://example.com/1',
      date: '2026-01-01T00:00:00.000Z',
      author: 'Lin',
    });
  });

  it('never makes a link that is not http', () => {
    const text = '<rss><channel><item><title>x</title><link>javascript:alert(1)</link></item></channel></rss>';
    expect(parseFeed(text, url).entries[0]?.url).toBe(url);
  });

  it('does not expand nested entities without end', () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 9 }, (_, index) => `<!ENTITY ${'bcdefghij'[index]} "${`&${'abcdefghij'[index]};`.repeat(10)}">`).join('')}]><rss><channel><title>&j;</title></channel></rss>`;
    let size = 0;
    try {
      size = parseFeed(bomb, url).title.length;
    } catch (error) {
      expect(error).toMatchObject({ code: 'GENIE_FEED_INVALID' });
    }
    expect(size).toBeLessThan(1000);
  });

  it('reads no file through an external entity', () => {
    const text =
      '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>';
    let title = '';
    try {
      title = parseFeed(text, url).title;
    } catch (error) {
      expect(error).toMatchObject({ code: 'GENIE_FEED_INVALID' });
    }
    expect(title).not.toContain('root:');
  });

  it('gives a feed or GENIE_FEED_INVALID for any text', () => {
    const pieces = fc.constantFrom(
      '<rss>',
      '</rss>',
      '<channel>',
      '<item>',
      '<title>',
      '&amp;',
      '&x;',
      '<![CDATA[',
      ']]>',
      '{',
      '"items":[',
      ']',
      '}',
      'text',
      '<feed>',
      '<entry/>',
      '</feed>',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            return Array.isArray(parseFeed(text, url).entries);
          } catch (error) {
            return (error as { code?: string }).code === 'GENIE_FEED_INVALID';
          }
        },
      ),
    );
  });
});
