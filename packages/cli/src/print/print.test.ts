import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, count, duration, number, relative, usd } from './amounts.ts';
import { markdown } from './markdown.ts';
import { createStyle, plain, plainLine, visibleLength } from './style.ts';
import { table, wrap } from './table.ts';

describe('plain', () => {
  it('leaves nothing that could repaint the screen or turn the text around', () => {
    expect(plain('a\u001b[2Jb\u001b]0;title\u0007c\u202egnp.exe\u0000')).toBe('abcgnp.exe');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
        expect(plain(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
    );
  });

  it('keeps words, line ends and tabs', () => {
    expect(plain('größe\t🧞\r\nnext')).toBe('größe\t🧞\nnext');
    expect(plainLine('a\n  b\tc', 4)).toBe('a b…');
  });
});

describe('markdown', () => {
  const text = '## Title\n\n- **Bold** line ([log](/tmp/x), 2026-01-02)\n- [a](https://en.wikipedia.org/wiki/A_(b))\n';

  it('is left as it was written without colours', () => {
    expect(markdown(text, { style: createStyle(false), width: 40 }).join('\n')).toBe(text.trimEnd());
  });

  it('shows targets and dates with colours', () => {
    const lines = markdown(text, { style: createStyle(true), width: 80 }).map((line) => plain(line));
    expect(lines).toEqual([
      'Title',
      '',
      '• Bold line (log /tmp/x, 2026-01-02)',
      '• (a https://en.wikipedia.org/wiki/A_(b))',
    ]);
  });

  it('does not let a source write escape codes', () => {
    expect(markdown('- x\u001b[2J', { style: createStyle(false), width: 40 })).toEqual(['- x']);
  });
});

describe('table and wrap', () => {
  it('lines columns up by what is seen, not by codes', () => {
    const style = createStyle(true);
    const rows = table(
      [
        [style.red('a'), 'b'],
        ['long', 'c'],
      ],
      2,
    ).map((line) => plain(line));
    expect(rows).toEqual(['  a     b', '  long  c']);
  });

  it('breaks at spaces and loses no word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 14, max: 60 }),
        (words, width) => {
          const lines = wrap(words.join(' '), width, '  ');
          expect(lines.join(' ').split(/\s+/).filter(Boolean)).toEqual(words);
          for (const line of lines) expect(visibleLength(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('amounts', () => {
  it.each([
    [duration(12.4), '12 ms'],
    [duration(3_240), '3.2 s'],
    [duration(125_000), '2 min 5 s'],
    [duration(3_600_000 * 3), '3 h'],
    [duration(86_400_000 * 4), '4 days'],
    [relative(1_000, 1_500), 'just now'],
    [relative(61_000, 1_000), 'in 1 min'],
    [relative(0, 120_000), '2 min ago'],
    [usd(0), '$0'],
    [usd(0.001234), '$0.0012'],
    [usd(12.5), '$12.50'],
    [bytes(512), '512 B'],
    [bytes(1_500), '1.5 kB'],
    [bytes(512_000_000), '512 MB'],
    [number(12_345.678), '12 345.68'],
    [count(1, 'run'), '1 run'],
    [count(2, 'memory', 'memories'), '2 memories'],
  ])('%s', (shown, wanted) => {
    expect(shown).toBe(wanted);
  });
});
