import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runBlocks } from './docs-runner.ts';
import { markdownBlocks } from './markdown-blocks.ts';

const root = path.dirname(import.meta.dirname);
const check = (...lines: string[]) => runBlocks(markdownBlocks('page.md', lines.join('\n')), root);

describe('markdownBlocks', () => {
  it('reads languages, attributes, lines and indented blocks', () => {
    const blocks = markdownBlocks(
      'page.md',
      [
        '# Page',
        '```ts no-run="a reason" file=a.ts',
        'const a = 1;',
        '```',
        '- item',
        '  ~~~text',
        '  ```',
        '   x',
        '  ~~~',
      ].join('\n'),
    );
    expect(blocks).toEqual([
      {
        file: 'page.md',
        line: 3,
        language: 'ts',
        attributes: { 'no-run': 'a reason', file: 'a.ts' },
        code: 'const a = 1;',
      },
      { file: 'page.md', line: 7, language: 'text', attributes: {}, code: '```\n x' },
    ]);
  });
});

describe('the documentation check', () => {
  it('runs modules and shell blocks in order, with packages resolvable and written files at hand', async () => {
    const report = await check(
      ...['```ts file=greeting.ts', "export const greeting: string = 'hello';", '```'],
      ...['```ts', "import { GenieError } from '@genie/core';", "import { greeting } from './greeting.ts';"],
      ...['console.log(greeting, typeof GenieError, process.version);', '```'],
      ...['```text output', 'hello function v…', '```'],
      ...['```sh', 'node greeting.ts && test -f greeting.ts', '```'],
      ...['```json', '{ "a": 1 }', '```'],
    );
    expect(report).toEqual({ ran: 2, typeChecked: 2, parsed: 1, failures: [] });
  });

  it.each([
    ['a throwing example', ['```js', "throw new Error('boom');", '```'], 'boom'],
    ['a wrong type', ['```ts', "const count: number = 'one';", 'console.log(count);', '```'], 'not assignable'],
    [
      'a wrong type in an example that is not run',
      ['```ts no-run="a key"', 'export const a: number = "";', '```'],
      'TS2322',
    ],
    ['an example that is not run without a reason', ['```ts no-run', 'export {};', '```'], 'needs its reason'],
    ['a failing command', ['```sh', 'false | true', '```'], 'exit code 1'],
    ['a command that does not parse', ['```sh no-run="takes long"', 'if then', '```'], 'does not parse'],
    ['JSON that does not parse', ['```json', '{ a: 1 }', '```'], 'page.md:2'],
    ['a language that nobody runs', ['```python', 'print(1)', '```'], 'the language is "python"'],
    ['a block without a language', ['```', 'what am I', '```'], 'the language is ""'],
    ['an attribute with a typo', ['```ts norun="a key"', 'export {};', '```'], 'unknown attributes norun'],
    ['another output', ['```sh', 'echo one', '```', '```text output', 'two', '```'], 'prints something else'],
    ['an example that never ends', ['```js timeout=1', 'setInterval(() => {}, 1000);', '```'], 'exit code null'],
  ])('fails on %s and names the place', async (_name, lines, message) => {
    const { failures } = await check(...lines);
    expect(failures.join('\n')).toContain(message);
    expect(failures.join('\n')).toMatch(/page(?:\.md:|-md\/line-)\d/);
  });
});
