import { defineTool, type Tool } from '@genie/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { memoryObjects } from '../testing/memory-objects.ts';
import { callTool, toolContext } from '../testing/tool-context.ts';
import { createToolbox, type ToolboxOptions } from './create-toolbox.ts';

const tool = (more: Partial<Parameters<typeof defineTool>[0]> = {}) =>
  defineTool({
    name: 'probe',
    description: 'x',
    effect: 'read',
    input: z.object({}).loose(),
    run: (input: unknown) => input,
    ...more,
  } as never) as Tool;

async function call(one: Tool, input: unknown = {}, options: ToolboxOptions = {}, context = {}) {
  const box = createToolbox([one], options);
  return callTool(box.get(one.name)!, input, context);
}

describe('createToolbox', () => {
  it('lists tools in order, single or in groups, and finds them by name', () => {
    const box = createToolbox([tool({ name: 'a' }), [tool({ name: 'b' }), tool({ name: 'c' })]]);
    expect(box.list().map((one) => one.name)).toEqual(['a', 'b', 'c']);
    expect(box.get('b')?.name).toBe('b');
    expect(box.get('toString')).toBeUndefined();
    expect(box.list()).toBe(box.list());
  });

  it('refuses two tools of one name and a policy for none', () => {
    expect(() => createToolbox([tool(), [tool()]])).toThrow(expect.objectContaining({ code: 'GENIE_TOOL_DUPLICATE' }));
    expect(() => createToolbox([tool()], { approval: { other: 'always' } })).toThrow(
      expect.objectContaining({ code: 'GENIE_OPTIONS_INVALID' }),
    );
  });

  it('keeps what a tool says of itself and puts another approval policy in its place', () => {
    const one = tool({ effect: 'once', timeoutMs: 5, approval: 'never', permissions: ['shell'] });
    expect(createToolbox([one], { approval: { probe: 'always' } }).get('probe')).toMatchObject({
      effect: 'once',
      timeoutMs: 5,
      approval: 'always',
      permissions: ['shell'],
    });
    expect(createToolbox([one]).get('probe')?.inputJsonSchema).toMatchObject({ type: 'object' });
  });

  it('withholds tools that want more than was granted, and says what they lack', () => {
    const box = createToolbox(
      [tool({ name: 'a', permissions: ['fs:read'] }), tool({ name: 'b', permissions: ['fs:read', 'shell'] })],
      { permissions: ['fs:*'] },
    );
    expect(box.list().map((one) => one.name)).toEqual(['a']);
    expect(box.get('b')).toBeUndefined();
    expect(box.withheld).toEqual([{ name: 'b', missing: ['shell'] }]);
  });

  it('lets a tool reach the hosts it declares and no other', async () => {
    const reach = (url: string, permissions: string[]) =>
      call(
        tool({
          permissions,
          run: async (_input: unknown, context: { fetch: typeof fetch }) => (await context.fetch(url)).status,
        } as never),
        {},
        {},
        { fetch: async () => new Response('x') },
      );
    expect(await reach('https://a.example.com/x', ['net:*.example.com'])).toBe(200);
    expect(await reach('https://example.com/', ['net:example.com'])).toBe(200);
    expect(await reach('https://example.com/', ['net:*'])).toBe(200);
    for (const [url, permission] of [
      ['https://example.com/', 'net:*.example.com'],
      ['https://evilexample.com/', 'net:*.example.com'],
      ['https://example.com.evil.net/', 'net:example.com'],
      ['nonsense', 'net:example.com'],
    ] as const) {
      await expect(reach(url, [permission])).rejects.toMatchObject({ code: 'GENIE_PERMISSION_DENIED' });
    }
    await expect(reach('https://example.com/', [])).rejects.toMatchObject({ code: 'GENIE_PERMISSION_DENIED' });
  });

  it('gives memory only to tools that ask for it', async () => {
    const memory = { recall: async () => ({ items: [], tookMs: 0 }) } as never;
    const sees = (permissions: string[]) =>
      call(
        tool({
          permissions,
          run: (_input: unknown, context: { memory?: unknown }) => context.memory !== undefined,
        } as never),
        {},
        {},
        { memory },
      );
    expect(await sees(['memory:read'])).toBe(true);
    expect(await sees(['net:*'])).toBe(false);
  });

  it('stays synchronous for a synchronous tool', () => {
    const box = createToolbox([tool({ run: () => 'now', output: z.string() } as never)]);
    expect(box.get('probe')?.run({}, toolContext())).toBe('now');
  });

  it('checks results against the schema of the tool', async () => {
    await expect(
      call(tool({ output: z.object({ n: z.number() }), run: () => ({ n: 'one' }) } as never)),
    ).rejects.toMatchObject({ code: 'GENIE_TOOL_OUTPUT' });
  });

  it('lets errors of a tool through as they are', async () => {
    const thrown = { not: 'an error' };
    await expect(call(tool({ run: () => Promise.reject(thrown) } as never))).rejects.toBe(thrown);
  });
});

describe('results of a toolbox', () => {
  it('says that a cycle or a BigInt is no result', async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    await expect(call(tool({ run: () => cycle } as never))).rejects.toMatchObject({ code: 'GENIE_TOOL_RESULT' });
    await expect(call(tool({ run: () => ({ n: 1n }) } as never))).rejects.toMatchObject({ code: 'GENIE_TOOL_RESULT' });
  });

  it('keeps a long result whole and lets the model page through it', async () => {
    const artifacts = memoryObjects();
    const text = Array.from({ length: 9000 }, (_, line) => `Zeile ${line} über Größe`).join('\n');
    const box = createToolbox([tool({ run: () => text } as never)], { artifacts, maxResultCharacters: 5000 });
    const result = (await callTool(box.get('probe')!, {}, { runId: '../x', callId: 'call 1' })) as {
      preview: string;
      artifact: string;
      truncated: true;
    };
    expect(result.truncated).toBe(true);
    expect(result.preview.startsWith('Zeile 0')).toBe(true);
    expect(result.preview.endsWith('Zeile 8999 über Größe')).toBe(true);
    expect(JSON.stringify(result).length).toBeLessThanOrEqual(5000);
    expect(artifacts.keys()).toEqual(['tool-results/__x/call_1.txt']);
    let read = '';
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const page = (await callTool(box.get('read_artifact')!, { key: result.artifact, offset, limit: 1999 })) as {
        text: string;
        nextOffset?: number;
      };
      read += page.text;
      offset = page.nextOffset;
    }
    expect(read).toBe(text);
    await expect(callTool(box.get('read_artifact')!, { key: 'nothing' })).rejects.toMatchObject({
      code: 'GENIE_ARTIFACT_MISSING',
    });
  });

  it('keeps the form of lists and of outputs with two ends', async () => {
    const items = Array.from({ length: 500 }, (_, id) => ({ id, text: 'x'.repeat(100) }));
    const list = (await call(
      tool({ run: () => ({ source: 's', items }) } as never),
      {},
      { maxResultCharacters: 5000 },
    )) as { items: unknown[] };
    expect(list).toMatchObject({ source: 's', truncated: true });
    expect(list.items.length).toBeGreaterThan(10);
    expect(JSON.stringify(list).length).toBeLessThanOrEqual(5000);
    const output = (await call(
      tool({ run: () => ({ exitCode: 1, stdout: `start${'x'.repeat(50_000)}end`, stderr: 'short' }) } as never),
      {},
      { maxResultCharacters: 5000 },
    )) as { stdout: string };
    expect(output).toMatchObject({ exitCode: 1, stderr: 'short', truncated: true });
    expect(output.stdout).toMatch(/^start.*end$/s);
  });

  it.each([
    ['control characters', '\u0001'.repeat(100_000)],
    ['quotes', '"'.repeat(100_000)],
    ['emoji', '🎉'.repeat(100_000)],
    ['a number list', Array.from({ length: 100_000 }, (_, n) => n)],
    ['one huge member', { items: ['x'.repeat(100_000)] }],
  ])('bounds %s', async (_name, value) => {
    const result = await call(tool({ run: () => value } as never), {}, { maxResultCharacters: 10_000 });
    expect(JSON.stringify(result).length).toBeLessThanOrEqual(30_000);
    expect(result).toMatchObject({ truncated: true });
  });

  it('bears a result of 100 MB', async () => {
    const artifacts = memoryObjects();
    await call(tool({ run: () => 'x'.repeat(100_000_000) } as never), {}, { artifacts });
    expect((await artifacts.head(artifacts.keys()[0]!))?.sizeBytes).toBe(100_000_000);
  });

  it('ends a stream that never ends, at its source', async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield new TextEncoder().encode('more and more ');
      } finally {
        ended = true;
      }
    }
    expect(
      await call(tool({ run: () => endless() } as never), {}, { maxStreamBytes: 100_000, maxResultCharacters: 5000 }),
    ).toMatchObject({ truncated: true });
    expect(ended).toBe(true);
    expect(await call(tool({ run: () => new Response('short').body } as never))).toBe('short');
  });

  it('ends a stream of nothing but empty chunks, and lets others have a turn meanwhile', async () => {
    async function* empty() {
      for (;;) yield '';
    }
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
    }, 1);
    const result = await call(tool({ run: () => empty() } as never));
    clearInterval(ticking);
    expect(result).toEqual({ text: '', truncated: true });
    expect(turns).toBeGreaterThan(2);
  });

  it('gives a stream up at an abort, also while it hangs, and ends it at its source', async () => {
    let isEnded = false;
    const hanging = new ReadableStream({
      pull: () => new Promise(() => undefined),
      cancel: () => {
        isEnded = true;
      },
    });
    const stop = new AbortController();
    const result = call(tool({ run: () => hanging } as never), {}, {}, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 5);
    await expect(result).rejects.toThrow('enough');
    async function* slow() {
      try {
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 2));
          yield 'x';
        }
      } finally {
        isEnded = true;
      }
    }
    const again = new AbortController();
    const other = call(tool({ run: () => slow() } as never), {}, {}, { signal: again.signal });
    setTimeout(() => again.abort(new Error('enough')), 20);
    await expect(other).rejects.toThrow('enough');
    await expect.poll(() => isEnded).toBe(true);
  });

  it('says that a stream of cycles is no result', async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    async function* cycles() {
      yield cycle;
    }
    await expect(call(tool({ run: () => cycles() } as never))).rejects.toMatchObject({ code: 'GENIE_TOOL_RESULT' });
  });
});
