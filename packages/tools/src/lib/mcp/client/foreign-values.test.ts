import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSchema } from '../schema/compile-schema.ts';
import { adaptTool, effectOf, readResult, toolName } from './adapt-tool.ts';
import { cleanJson, cleanObject } from './clean-json.ts';
import { readOffered } from './read-offered.ts';

describe('values of a server', () => {
  it('keep their content and lose what could reach a prototype', () => {
    const value = JSON.parse('{"a":{"__proto__":{"polluted":true},"constructor":1,"b":[{"prototype":2,"c":3}]}}');
    expect(JSON.stringify(cleanJson(value))).toBe('{"a":{"b":[{"c":3}]}}');
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (json) => {
        const text = JSON.stringify(json);
        fc.pre(!/__proto__|constructor|prototype/.test(text));
        expect(JSON.stringify(cleanJson(JSON.parse(text)))).toBe(text);
      }),
    );
  });

  it('are refused when they nest too deep for recursive readers', () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`);
    expect(() => cleanJson(deep)).toThrow('nests deeper than 100');
    expect(() => compileSchema(cleanObject({ items: { properties: {} } }), 'ok')).not.toThrow();
  });

  it('never make us fetch a schema', () => {
    const { tools, refused } = readOffered([
      { name: 'far', inputSchema: { type: 'object', properties: { a: { $ref: 'https://evil.example/schema.json' } } } },
      { name: 'near', inputSchema: { type: 'object' } },
      { name: 'near', inputSchema: { type: 'object' } },
    ]);
    expect(tools.map(({ name }) => name)).toEqual(['near']);
    expect(refused.map(({ name }) => name)).toEqual(['far', 'near']);
  });

  it('give the careful effect unless the server says more', () => {
    const tool = { name: 't', description: '', inputSchema: { type: 'object' } };
    expect(effectOf({ ...tool, annotations: {} })).toBe('once');
    expect(effectOf({ ...tool, annotations: { readOnlyHint: 'yes' } })).toBe('once');
    expect(effectOf({ ...tool, annotations: { idempotentHint: true } })).toBe('idempotent');
    expect(effectOf({ ...tool, annotations: { readOnlyHint: true } })).toBe('read');
  });

  it('become names that models accept, different for different tools', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (first, second) => {
        expect(toolName('server', first)).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
        if (first !== second) expect(toolName('server', first)).not.toBe(toolName('server', second));
      }),
    );
  });

  it('fail a call with the words of the server', () => {
    const failed = { isError: true, content: [{ type: 'text', text: 'disk full' }] };
    expect(() => readResult('save', failed)).toThrow('disk full');
    expect(
      readResult('save', {
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      }),
    ).toBe('a\nb');
  });

  it('drop nulls that stand for nothing', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['a'] };
    const [offered = expect.fail('refused')] = readOffered([{ name: 't', inputSchema: schema }]).tools;
    const tool = adaptTool(offered, { server: 's', permissions: [], timeoutMs: 1, call: async () => ({}) });
    expect(await tool.input['~standard'].validate({ a: 'x', b: null })).toEqual({ value: { a: 'x' } });
    expect(await tool.input['~standard'].validate({ a: null })).toHaveProperty('issues');
  });
});
