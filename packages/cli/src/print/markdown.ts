import { plain, type Style } from './style.ts';
import { wrap } from './table.ts';

/**
 * Markdown for a terminal: headings stand out, links show their target, lines break at spaces. Without colours the text is
 * left as it was written, so that `genie run > briefing.md` gives Markdown.
 */
export function markdown(text: string, options: { readonly style: Style; readonly width: number }): readonly string[] {
  const lines = plain(text).trimEnd().split('\n');
  const { style, width } = options;
  if (!style.isOn) return lines;
  return lines.flatMap((line) => {
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    if (heading) return [style.bold(heading[1] ?? '')];
    const item = /^(\s*)[-*+]\s+(.*)$/.exec(line);
    if (item) return wrap(`${item[1]}${style.cyan('•')} ${inline(item[2] ?? '', style)}`, width, `${item[1]}  `);
    return wrap(inline(line, style), width);
  });
}

function inline(text: string, style: Style): string {
  return text
    .replace(
      /\(?\[([^\]]*)\]\(<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?\)((?:,\s*\d{4}-\d{2}-\d{2})?)\)?/g,
      (_, title: string, target: string, date: string) =>
        style.dim(`(${target.startsWith(title) ? target : `${title} ${target}`}${date})`),
    )
    .replace(/\*\*([^*]+)\*\*/g, (_, words: string) => style.bold(words))
    .replace(/(?<![\w_])_([^_]+)_(?![\w_])/g, (_, words: string) => style.dim(words))
    .replace(/`([^`]+)`/g, (_, words: string) => style.cyan(words));
}
