import { pageToMarkdown } from '../src/lib/web/page-to-markdown.ts';
import { atLeast, atMost, median, type Row } from './measure.ts';
import { pageShapes } from './page-shapes.ts';

/** How much of the main text, and how little of the rest, is left of 30 shapes of pages. */
export async function bench({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  const kept = { main: 0, mainOf: 0, boilerplate: 0, boilerplateOf: 0 };
  const times: number[] = [];
  const shapes = pageShapes();
  for (const shape of shapes) {
    const startedAt = performance.now();
    const { text } = await pageToMarkdown(shape.html, 'https://example.com/page');
    times.push(performance.now() - startedAt);
    const plain = flatten(text);
    const main = shape.main.filter((one) => plain.includes(flatten(one))).length;
    const boilerplate = shape.boilerplate.filter((one) => plain.includes(flatten(one))).length;
    kept.main += main / shape.main.length;
    kept.boilerplate += shape.boilerplate.length === 0 ? 0 : boilerplate / shape.boilerplate.length;
    if (main < shape.main.length || boilerplate > 0)
      log(
        `${shape.name}: ${main} of ${shape.main.length} kept, ${boilerplate} of ${shape.boilerplate.length} boilerplate`,
      );
  }
  return [
    atLeast('tools.pages.main', `main text kept, mean of ${shapes.length} page shapes`, {
      value: (kept.main / shapes.length) * 100,
      unit: '%',
      limit: 95,
    }),
    atMost('tools.pages.boilerplate', `boilerplate kept, mean of ${shapes.length} page shapes`, {
      value: (kept.boilerplate / shapes.length) * 100,
      unit: '%',
      limit: 5,
    }),
    atMost('tools.pages.time', 'time for one page, median', { value: median(times), unit: 'ms', limit: 100 }),
  ];
}

/** Without what Markdown adds. */
function flatten(text: string): string {
  return text.replace(/[\\*_`]/g, '').replace(/\s+/g, ' ');
}
