import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { LoopEvent } from '../events/genie-event.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import type { ScriptedAnswer } from '../testing/scripted-model.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import { defineTool } from '../tool/define-tool.ts';
import { type LoopOptions, runLoop } from './run-loop.ts';

describe('tool calls of one answer', () => {
  it('run at the same time and report in the order of the calls', async () => {
    let running = 0;
    let most = 0;
    const wait = defineTool({
      name: 'wait',
      description: 'Waits.',
      input: z.object({ ms: z.number() }),
      effect: 'read',
      async run({ ms }) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, ms));
        running -= 1;
        return ms;
      },
    });
    const { events, result } = await drive(
      [{ calls: [30, 1, 15].map((ms) => ({ tool: 'wait', input: { ms } })) }, { text: 'x' }],
      [wait],
    );
    expect(most).toBe(3);
    expect(result.calls.map((call) => call.outputText)).toEqual(['30', '1', '15']);
    const reported = events.flatMap((event) => (event.type === 'tool.completed' ? [event.output] : []));
    expect(reported).toEqual([30, 1, 15]);
  });

  it('get ids of their own when the model gives two the same one', async () => {
    const { result } = await drive(
      [{ calls: [1, 2, 3].map((value) => ({ tool: 'echo', input: { value }, id: 'same' })) }, { text: 'x' }],
      [echo],
    );
    expect(result.calls.map((call) => [call.callId, call.outputText])).toEqual([
      ['same', '1'],
      ['same#2', '2'],
      ['same#3', '3'],
    ]);
  });
});

describe('a tool call that cannot be made or fails', () => {
  const boom = defineTool({
    name: 'boom',
    description: 'Fails.',
    input: z.object({}),
    effect: 'read',
    run: () => Promise.reject(new Error('no luck')),
  });
  const thrower = defineTool({
    name: 'thrower',
    description: 'Throws no Error.',
    input: z.object({}),
    effect: 'read',
    run: () => {
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      throw cycle;
    },
  });
  const wrong = defineTool({
    name: 'wrong',
    description: 'Returns the wrong form.',
    input: z.object({}),
    output: z.object({ n: z.number() }),
    effect: 'read',
    run: () => ({ n: 'one' }) as never,
  });
  const noJson = (name: string, output: unknown) =>
    defineTool({ name, description: 'Returns no JSON.', input: z.object({}), effect: 'read', run: () => output });
  const [big, callable] = [noJson('big', 10n), noJson('callable', () => 10)];

  it.each<[string, NonNullable<ScriptedAnswer['calls']>, string]>([
    ['an unknown tool', [{ tool: 'nope', input: {} }], 'GENIE_TOOL_UNKNOWN'],
    ['arguments that are no JSON', [{ tool: 'echo', input: '{"value": 1' }], 'GENIE_TOOL_INPUT'],
    ['arguments of a wrong form', [{ tool: 'echo', input: { value: 'one' } }], 'GENIE_TOOL_INPUT'],
    ['a tool that rejects', [{ tool: 'boom', input: {} }], 'GENIE_TOOL_FAILED'],
    ['a tool that throws what cannot be described', [{ tool: 'thrower', input: {} }], 'GENIE_TOOL_FAILED'],
    ['a result of a wrong form', [{ tool: 'wrong', input: {} }], 'GENIE_TOOL_FAILED'],
    ['a result that is no JSON', [{ tool: 'big', input: {} }], 'GENIE_TOOL_RESULT'],
    ['a result that JSON would drop', [{ tool: 'callable', input: {} }], 'GENIE_TOOL_RESULT'],
  ])('(%s) goes back to the model once, which may do better', async (_what, calls, code) => {
    const { result, model } = await drive(
      [{ calls }, { text: 'I gave up on that.' }],
      [echo, boom, thrower, wrong, big, callable],
    );
    expect(result.finish).toEqual({ reason: 'stop' });
    expect(result.calls[0]?.outcome).toMatchObject({ status: 'failed', error: { code } });
    const last = model.requests[1]?.prompt.at(-1);
    expect(last).toMatchObject({
      role: 'tool',
      content: [{ output: { type: 'error-text', value: expect.stringContaining(code) } }],
    });
  });

  it.each<[string, NonNullable<ScriptedAnswer['calls']>, string]>([
    ['an unknown tool', [{ tool: 'nope', input: {} }], 'GENIE_TOOL_UNKNOWN'],
    ['another unknown tool each time', [{ tool: `nope${Math.random()}`, input: {} }], 'GENIE_TOOL_UNKNOWN'],
    ['invalid arguments', [{ tool: 'echo', input: {} }], 'GENIE_TOOL_INPUT'],
    ['a tool that fails', [{ tool: 'boom', input: {} }], 'GENIE_TOOL_FAILED'],
  ])('(%s) ends the loop with its reason the second time in a row', async (_what, calls, code) => {
    const { result, events } = await drive([{ calls }], [echo, boom]);
    expect(result).toMatchObject({ steps: 2, finish: { reason: 'tool-error', error: { code } } });
    expect(events.at(-1)).toMatchObject({ type: 'loop.finished', reason: 'tool-error' });
  });

  it('is forgiven while another call of the same tool works: one dead source among many is no reason to stop', async () => {
    const half = defineTool({
      name: 'half',
      description: 'Fails for odd numbers.',
      input: z.object({ value: z.number() }),
      effect: 'read',
      run: ({ value }) => {
        if (value % 2 === 1) throw new Error('odd');
        return Math.random();
      },
    });
    const both = {
      calls: [
        { tool: 'half', input: { value: 1 } },
        { tool: 'half', input: { value: 2 } },
      ],
    };
    const { result } = await drive([both, both, both, both, { text: 'done' }], [half]);
    expect(result).toMatchObject({ steps: 5, finish: { reason: 'stop' } });
  });

  it('that takes too long is told to stop, and the model hears of it', async () => {
    const clock = fixedClock();
    let aborted = false;
    const slow = defineTool({
      name: 'slow',
      description: 'Never ends.',
      input: z.object({}),
      effect: 'read',
      timeoutMs: 5_000,
      run: (_input, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        setImmediate(() => clock.advance(5_000));
        return new Promise<never>(() => undefined);
      },
    });
    const { result } = await drive([{ calls: [{ tool: 'slow', input: {} }] }, { text: 'too slow' }], [slow], { clock });
    expect(result.finish.reason).toBe('stop');
    expect(result.calls[0]?.outcome).toMatchObject({ status: 'failed', error: { code: 'GENIE_TOOL_TIMEOUT' } });
    expect(aborted).toBe(true);
  });
});

describe('what tools give and get', () => {
  it('may be described by another schema library', async () => {
    const greet = defineTool({
      name: 'greet',
      description: 'Greets.',
      input: v.object({ name: v.pipe(v.string(), v.trim()) }),
      inputJsonSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      effect: 'read',
      run: ({ name }) => `Hello ${name}`,
    });
    const script = [
      { calls: [{ tool: 'greet', input: { name: '  Ada ' } }] },
      { calls: [{ tool: 'greet', input: { name: 1 } }] },
      { text: 'x' },
    ];
    const { result } = await drive(script, [greet]);
    expect(result.calls.map((call) => call.outputText)).toEqual([
      'Hello Ada',
      expect.stringContaining('name: Invalid type'),
    ]);
  });

  it('names the fix when a schema library offers no JSON Schema', () => {
    const tool = defineTool({ name: 'x', description: 'x', input: v.object({}), run: () => 1 });
    expect(() => tool.inputJsonSchema).toThrow(
      expect.objectContaining({ code: 'GENIE_TOOL_SCHEMA', message: expect.stringContaining('inputJsonSchema') }),
    );
  });

  it('takes a schema that checks asynchronously', async () => {
    const even = defineTool({
      name: 'even',
      description: 'x',
      effect: 'read',
      run: ({ n }) => n,
      input: z.object({ n: z.number().refine(async (n) => n % 2 === 0, 'has to be even') }),
      inputJsonSchema: { type: 'object' },
    });
    const { result } = await drive(
      [
        {
          calls: [
            { tool: 'even', input: { n: 1 } },
            { tool: 'even', input: { n: 2 } },
          ],
        },
        { text: 'x' },
      ],
      [even],
    );
    expect(result.calls.map((call) => call.outcome.status)).toEqual(['failed', 'completed']);
    expect(result.calls[0]?.outputText).toContain('has to be even');
  });

  it('cannot pollute prototypes by arguments', async () => {
    const seen: unknown[] = [];
    const take = defineTool({
      name: 'take',
      description: 'x',
      input: z.looseObject({}),
      effect: 'read',
      run: (input) => {
        seen.push(input, Object.assign({}, input));
        return 'ok';
      },
    });
    const inputs = [
      '{"__proto__":{"admin":true},"a":1}',
      '{"constructor":{"prototype":{"admin":true}},"a":1}',
      '{"\\u005f_proto__":{"admin":true},"a":1}',
    ];
    await drive([{ calls: inputs.map((input) => ({ tool: 'take', input })) }, { text: 'x' }], [take]);
    expect(seen).toHaveLength(6);
    for (const value of seen) expect(JSON.stringify(value)).toBe('{"a":1}');
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('bounds a result of 50 MB and keeps it whole where it can be read again', async () => {
    const huge = defineTool({
      name: 'huge',
      description: 'x',
      input: z.object({}),
      effect: 'read',
      run: () => 'y'.repeat(50 * 1024 * 1024),
    });
    const kept: number[] = [];
    const keepOutput: LoopOptions['keepOutput'] = async (_call, text) => {
      kept.push(text.length);
      return 'artifacts/results/x.txt';
    };
    const { result, model } = await drive([{ calls: [{ tool: 'huge', input: {} }] }, { text: 'x' }], [huge], {
      keepOutput,
    });
    expect(kept).toEqual([50 * 1024 * 1024]);
    expect(result.calls[0]?.outputText.length).toBeLessThan(101_000);
    expect(result.calls[0]?.outputText).toContain('"artifacts/results/x.txt"');
    expect(JSON.stringify(model.requests[1]?.prompt).length).toBeLessThan(110_000);
  });

  it('says so when a long result could not be kept', async () => {
    const long = defineTool({
      name: 'long',
      description: 'x',
      input: z.object({}),
      effect: 'read',
      run: () => ['y'.repeat(2_000)],
    });
    const keepOutput = () => Promise.reject(new Error('the disk is full'));
    const { result } = await drive([{ calls: [{ tool: 'long', input: {} }] }, { text: 'x' }], [long], {
      keepOutput,
      limits: { maxOutputCharacters: 100 },
    });
    expect(result.calls[0]?.outputText).toContain('could not be kept (the disk is full)');
    expect(result.finish.reason).toBe('stop');
  });

  it('shows nothing as null, and texts with lone surrogates as they can be sent', async () => {
    const odd = defineTool({
      name: 'odd',
      description: 'x',
      input: z.object({ what: z.string() }),
      effect: 'read',
      run: ({ what }) => (what === 'nothing' ? undefined : `${'x'.repeat(99)}🧞${'y'.repeat(99)}`),
    });
    const calls = [
      { tool: 'odd', input: { what: 'nothing' } },
      { tool: 'odd', input: { what: 'cut' } },
    ];
    const { result } = await drive([{ calls }, { text: 'x' }], [odd], { limits: { maxOutputCharacters: 100 } });
    expect(result.calls[0]?.outcome).toEqual({ status: 'completed', output: null });
    expect(result.calls[1]?.outputText.isWellFormed()).toBe(true);
  });

  it('shows each result as it was when its call ended, whatever the tool does with its object later', async () => {
    const list: string[] = [];
    const push = defineTool({
      name: 'push',
      description: 'x',
      input: z.object({ value: z.string() }),
      effect: 'idempotent',
      run: ({ value }) => {
        list.push(value);
        return list;
      },
    });
    const calls = (value: string) => ({ calls: [{ tool: 'push', input: { value } }] });
    const { result, model } = await drive([calls('a'), calls('b'), { text: 'x' }], [push]);
    expect(result.calls.map(({ outcome }) => outcome)).toMatchObject([{ output: ['a'] }, { output: ['a', 'b'] }]);
    expect(JSON.stringify(model.requests[2]?.prompt)).toContain('"value":["a"]');
  });

  it.each([new Map([[1, 2]]), new Set([1]), new Error('x')])(
    'refuses a result that JSON would empty: %s',
    async (value) => {
      const odd = defineTool({ name: 'odd', description: 'x', input: z.object({}), effect: 'read', run: () => value });
      const { result } = await drive([{ calls: [{ tool: 'odd', input: {} }] }, { text: 'x' }], [odd]);
      expect(result.calls[0]?.outcome).toMatchObject({ status: 'failed', error: { code: 'GENIE_TOOL_RESULT' } });
    },
  );

  it('reports progress, bounded, and not after the call ended', async () => {
    let later: (() => void) | undefined;
    const work = defineTool({
      name: 'work',
      description: 'x',
      input: z.object({}),
      effect: 'read',
      run: (_input, { progress }) => {
        progress('x'.repeat(9_000), 7);
        later = () => progress('late');
        return 'ok';
      },
    });
    const { events } = await drive([{ calls: [{ tool: 'work', input: {} }] }, { text: 'x' }], [work]);
    later?.();
    const progress = events.filter((event) => event.type === 'tool.progress');
    expect(progress).toMatchObject([{ message: 'x'.repeat(2_000), fraction: 1 }]);
  });

  it('refuses to leave without egress', async () => {
    const out = defineTool({
      name: 'out',
      description: 'x',
      input: z.object({}),
      effect: 'read',
      run: async (_input, { fetch }) => (await fetch('https://example.com/a')).status,
    });
    const { result } = await drive([{ calls: [{ tool: 'out', input: {} }] }, { text: 'x' }], [out]);
    expect(result.calls[0]?.outcome).toMatchObject({
      status: 'denied',
      error: { code: 'GENIE_EGRESS_DENIED', message: expect.stringContaining('example.com') },
    });
  });
});

const echo = defineTool({
  name: 'echo',
  description: 'Echoes.',
  input: z.object({ value: z.number() }),
  effect: 'read',
  run: ({ value }) => value,
});

async function drive(
  script: readonly ScriptedAnswer[],
  tools: NonNullable<LoopOptions['tools']>,
  options: Partial<LoopOptions> = {},
) {
  const model = scriptedModel(script);
  const events: LoopEvent[] = [];
  const result = await runLoop({ model, prompt: 'go', tools, onEvent: (event) => events.push(event), ...options })
    .result;
  return { model, events, result };
}
