import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globToTest } from './glob-to-test.ts';

describe('globToTest', () => {
  it.each([
    ['*.ts', 'a.ts', true],
    ['*.ts', 'a/b.ts', false],
    ['**/*.ts', 'b.ts', true],
    ['**/*.ts', 'a/b/c.ts', true],
    ['src/**', 'src/a/b', true],
    ['src/**/x', 'src/x', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['{a,b}/*.{ts,js}', 'b/x.js', true],
    ['{a,b{1,2}}', 'b2', true],
    ['{a,b}', 'c', false],
    ['a.b', 'axb', false],
    ['a+(b)[c]^$|', 'a+(b)[c]^$|', true],
    ['*a*b', 'xaxxb', true],
    ['**/a/**/b', 'a/x/a/y/b', true],
  ])('%s matches %s: %s', (pattern, path, expected) => {
    expect(globToTest(pattern)(path)).toBe(expected);
  });

  it('refuses patterns that are open or too large', () => {
    for (const pattern of ['{a', 'a}', 'x'.repeat(401), '{a,b}'.repeat(7)])
      expect(() => globToTest(pattern)).toThrow(/pattern/);
  });

  it('matches every path by itself and by stars', () => {
    const path = fc
      .array(
        fc.stringMatching(/^[a-c.]{1,6}$/).filter((name) => name !== '.'),
        { minLength: 1, maxLength: 5 },
      )
      .map((names) => names.join('/'));
    fc.assert(
      fc.property(path, (text) => {
        expect(globToTest(text)(text)).toBe(true);
        expect(globToTest('**')(text)).toBe(true);
        expect(globToTest(text.replace(/[a-c]/g, '?'))(text)).toBe(true);
        expect(globToTest(`${text}x`)(text)).toBe(false);
      }),
    );
  });

  it('takes no time that explodes', () => {
    const startedAt = performance.now();
    globToTest(`${'*a'.repeat(190)}b`)('a'.repeat(250));
    globToTest(`${'**/a/'.repeat(75)}b`)('a/'.repeat(2000));
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });
});
