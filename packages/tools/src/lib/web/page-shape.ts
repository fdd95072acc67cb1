export interface PageShape {
  readonly elements: number;
  /** How deep elements are nested, as far as they say so; what is closed by what follows, such as `<p>`, is not counted. */
  readonly depth: number;
  /** Characters of the longest tag with its attributes. */
  readonly longestTag: number;
  /** Characters that begin something, `<` and `&`: each makes a piece of text of its own. */
  readonly marks: number;
}

const neverNested = new Set(
  'p li dt dd tr td th tbody thead tfoot option area base br col embed hr img input link meta param source track wbr'.split(
    ' ',
  ),
);

/** Looks at the tags of a page without building it. Time grows with the length alone. */
export function pageShape(html: string): PageShape {
  const tag = /<(\/?)([a-z][a-z0-9:-]*)(?![a-z0-9:-])[^<>]*>/gi;
  let elements = 0;
  let open = 0;
  let depth = 0;
  let longestTag = 0;
  for (let found = tag.exec(html); found; found = tag.exec(html)) {
    const [whole, slash, name = ''] = found;
    if (whole.length > longestTag) longestTag = whole.length;
    if (slash === '') elements += 1;
    if (neverNested.has(name.toLowerCase())) continue;
    open = slash === '' ? open + 1 : Math.max(0, open - 1);
    if (open > depth) depth = open;
  }
  return { elements, depth, longestTag, marks: countOf(html, '<') + countOf(html, '&') };
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}
