import { defineTool, type Tool } from '@genie/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callTool } from '../testing/tool-context.ts';
import { createToolbox } from './create-toolbox.ts';
import { isHostile } from './repair-arguments.ts';

const shape = z.object({
  filePath: z.string(),
  limit: z.number().int().optional(),
  all: z.boolean().optional(),
  tags: z.array(z.string()).optional(),
});
const tool = defineTool({
  name: 'probe',
  description: 'x',
  effect: 'read',
  input: shape,
  run: (input) => input,
}) as Tool;
const probe = createToolbox([tool]).get('probe')!;
const call = (input: unknown) => callTool(probe, input);

describe('argument repair', () => {
  it.each([
    ['another spelling of a key', { file_path: 'a' }, { filePath: 'a' }],
    ['other case', { FilePath: 'a' }, { filePath: 'a' }],
    ['a number as text', { filePath: 'a', limit: '5' }, { filePath: 'a', limit: 5 }],
    ['a boolean as text', { filePath: 'a', all: 'True' }, { filePath: 'a', all: true }],
    ['one value for a list', { filePath: 'a', tags: 'x' }, { filePath: 'a', tags: ['x'] }],
    ['a list as text', { filePath: 'a', tags: '["x","y"]' }, { filePath: 'a', tags: ['x', 'y'] }],
    ['null for left out', { filePath: 'a', limit: null }, { filePath: 'a' }],
    ['JSON in a string', '{"filePath":"a"}', { filePath: 'a' }],
    ['a wrapper', { arguments: { filePath: 'a' } }, { filePath: 'a' }],
    ['a wrapper with JSON in a string', { input: '{"filePath":"a"}' }, { filePath: 'a' }],
    ['the only required value alone', 'a', { filePath: 'a' }],
    ['a number for a text', { filePath: 7 }, { filePath: '7' }],
  ])('repairs %s', async (_name, given, expected) => {
    expect(await call(given)).toEqual(expected);
  });

  it('leaves valid arguments alone', async () => {
    const given = { filePath: '{"not":"parsed"}', limit: 3 };
    expect(await call(given)).toEqual(given);
  });

  it('tells the first complaint when it cannot help', async () => {
    await expect(call({ filePath: 'a', limit: 'many' })).rejects.toThrow(/number/);
    await expect(call({})).rejects.toThrow(/string/);
    await expect(call(null)).rejects.toThrow();
  });

  it('never makes a value up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const result = (await call(value).catch(() => undefined)) as { filePath: string } | undefined;
        if (result) expect(JSON.stringify(value)).toContain(JSON.stringify(result.filePath).slice(1, -1).slice(0, 3));
      }),
    );
  });

  it('refuses prototype keys and absurd depth, quickly', async () => {
    await expect(call(JSON.parse('{"filePath":"a","__proto__":{"x":1}}'))).rejects.toThrow(/__proto__/);
    await expect(call({ filePath: 'a', more: { constructor: { prototype: {} } } })).rejects.toThrow(/too deeply/);
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    await expect(call({ filePath: deep })).rejects.toThrow(/too deeply/);
    expect(isHostile({ a: [{ b: 'c' }] })).toBe(false);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});
