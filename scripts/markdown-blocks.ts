/** One fenced code block of a Markdown file. */
export interface MarkdownBlock {
  readonly file: string;
  /** Line of the first line of code, from 1. */
  readonly line: number;
  /** First word after the fence, in lower case. */
  readonly language: string;
  /** The rest of that line: `no-run="needs a key" file=tool.ts output`. A name alone has the value ''. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly code: string;
}

const fence = /^(?<indent> *)(?<marks>`{3,}|~{3,})(?<info>[^`]*)$/;

/** The blocks in document order. A block that is never closed reaches to the end, as in every Markdown reader. */
export function markdownBlocks(file: string, text: string): MarkdownBlock[] {
  const blocks: MarkdownBlock[] = [];
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const open = fence.exec(lines[index] ?? '')?.groups;
    if (!open) continue;
    const { indent = '', marks = '', info = '' } = open;
    const start = index + 1;
    do index += 1;
    while (index < lines.length && !closes(lines[index] ?? '', marks));
    const code = lines
      .slice(start, index)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()));
    const [language = ''] = info.trim().split(/\s+/);
    blocks.push({
      file,
      line: start + 1,
      language: language.toLowerCase(),
      attributes: attributes(info),
      code: code.join('\n'),
    });
  }
  return blocks;
}

function closes(line: string, marks: string): boolean {
  const text = line.trim();
  return text.length >= marks.length && text === (marks[0] ?? '').repeat(text.length);
}

function attributes(info: string): Record<string, string> {
  const rest = info.trim().replace(/^\S+/, '');
  const pairs = [...rest.matchAll(/(?<name>[\w-]+)(?:=(?:"(?<quoted>[^"]*)"|(?<plain>\S+)))?/g)];
  return Object.fromEntries(pairs.map(({ groups }) => [groups?.name ?? '', groups?.quoted ?? groups?.plain ?? '']));
}
