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

/** Plain text of a fragment of HTML: what a reader would see, blocks on lines of their own. Plain text stays plain. */
export function htmlToText(html: string): string {
  if (!/[<&]/.test(html)) return html.replace(/[ \t]+/g, ' ').trim();
  let text = '';
  let hidden = 0;
  const parser = new Parser({
    onopentagname(name) {
      if (dropped.has(name)) hidden += 1;
      if (breaking.has(name)) text += '\n';
      if (name === 'li') text += '- ';
    },
    ontext(part) {
      if (hidden === 0) text += part;
    },
    onclosetag(name) {
      if (dropped.has(name)) hidden -= 1;
      if (breaking.has(name)) text += '\n';
    },
  });
  parser.end(html);
  return text
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n')
    .replace(/\n{2,}/g, '\n')
    .trim();
}
