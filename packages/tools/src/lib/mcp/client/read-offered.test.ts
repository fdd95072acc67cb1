import { describe, expect, it } from 'vitest';
import { readOffered } from './read-offered.ts';

const usual = { schema: 1_000_000, together: 2_000_000, compileMs: 3_000, checkMs: 1_000 };

describe('readOffered', () => {
  const checkOf = (inputSchema: object) =>
    readOffered([{ name: 't', inputSchema }], { ...usual, checkMs: 50 }).tools[0]?.checkInput ?? expect.fail('refused');

  it.each<[string, object, unknown]>([
    ['a regular expression', { properties: { a: { pattern: '^(a+)+$' } } }, { a: `${'a'.repeat(60)}b` }],
    [
      'alternatives within alternatives',
      { $defs: { d: { anyOf: [1, 2].map(() => ({ items: { $ref: '#/$defs/d' }, minItems: 1 })) } }, $ref: '#/$defs/d' },
      JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`),
    ],
    [
      'every item compared with every other',
      { properties: { a: { uniqueItems: true } } },
      { a: Array.from({ length: 20_000 }, (_, index) => ({ index })) },
    ],
  ])('breaks a check off in which %s takes hours', (_name, schema, value) => {
    const start = performance.now();
    expect(checkOf(schema)(value)).toEqual([{ path: '', message: expect.stringContaining('longer than 50 ms') }]);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it('gives up on schemas that take too long to read, and keeps what came before', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, index) => [
        `p${index}`,
        { anyOf: [{ pattern: `^a${index}` }, { minimum: 1 }] },
      ]),
    );
    const listed = [{ name: 'small' }, { name: 'slow', inputSchema: { properties } }, { name: 'late' }];
    const { tools, refused } = readOffered(listed, { ...usual, compileMs: 300 });
    expect(tools.map(({ name }) => name)).toEqual(['small']);
    expect(refused).toEqual([
      { name: 'slow', reason: expect.stringContaining('longer than') },
      { name: 'late', reason: expect.stringContaining('longer than 300 ms to read') },
    ]);
  });

  it('takes as many schemas as a model can be given', () => {
    const inputSchema = { type: 'object', description: 'x'.repeat(400) };
    const listed = Array.from({ length: 10 }, (_, index) => ({ name: `t${index}`, inputSchema }));
    expect(readOffered(listed, { ...usual, together: 2_000 }).tools).toHaveLength(4);
  });
});
