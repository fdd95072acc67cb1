import { Parser } from 'htmlparser2';

const breaking = new Set([
  'p',
  'br',
  'div',
  'li',
  'tr',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'blockquote',
  'pre',
  'ul',
  'ol',
  'table',
]);
const dropped = new Set(['script', 'style', 'noscript', 'template', 'iframe', 'svg']);

/**
 * Plain text of a fragment of HTML: what a reader would see, blocks on lines of their own. Plain text stays plain. Builds no
 * tree, so its time grows with the length alone, whatever is nested in what.
 */
export function htmlToText(html: string): string {
  if (!/[<&]/.test(html)) return html.replace(/[ \t]+/g, ' ').trim();
  return decodeEntities(withoutTags(html))
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n')
    .replace(/\n{2,}/g, '\n')
    .trim();
}

function withoutTags(html: string): string {
  // No part of it can match what another part matches too: nothing is tried twice.
  const tag = /<!--|<[!?][^<>]*>|<(\/?)([a-z][a-z0-9:-]*)(?![a-z0-9:-])[^<>]*>/gi;
  let text = '';
  let from = 0;
  for (let found = tag.exec(html); found; found = tag.exec(html)) {
    const name = found[2]?.toLowerCase() ?? '';
    const isOpening = found[1] === '' && name !== '';
    text += html.slice(from, found.index).replaceAll('<', '&lt;');
    if (breaking.has(name)) text += '\n';
    if (isOpening && name === 'li') text += '- ';
    from = tag.lastIndex;
    if (found[0] === '<!--') from = find(html, /-->/g, from) + '-->'.length;
    else if (isOpening && dropped.has(name)) from = find(html, new RegExp(`</${name}(?![a-z0-9:-])`, 'gi'), from);
    tag.lastIndex = from;
  }
  return text + html.slice(from).replaceAll('<', '&lt;');
}

/** Where something begins; the end of the text when it does not. */
function find(html: string, what: RegExp, from: number): number {
  what.lastIndex = from;
  return what.exec(html)?.index ?? html.length;
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  let decoded = '';
  const parser = new Parser({
    ontext(part) {
      decoded += part;
    },
  });
  parser.end(text);
  return decoded;
}
