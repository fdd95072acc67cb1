import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { LoopEvent } from '../events/genie-event.ts';
import { createMemoryJournal } from '../journal/memory-journal.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import { defineTool } from '../tool/define-tool.ts';
import { type LoopHandle, type LoopOptions, runLoop } from './run-loop.ts';

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.object({ left: z.number(), right: z.number() }),
  effect: 'read',
  run: ({ left, right }) => left + right,
});

describe('runLoop', () => {
  it('calls the model, runs its tools, and ends with its answer', async () => {
    const model = scriptedModel([
      { text: 'Adding.', calls: [{ tool: 'add', input: { left: 2, right: 3 } }] },
      { text: 'It is 5.' },
    ]);
    const result = await runLoop({ model, system: 'Be brief.', prompt: 'What is 2 + 3?', tools: [add] }).result;
    expect(result).toMatchObject({
      text: 'It is 5.',
      steps: 2,
      finish: { reason: 'stop' },
      usage: { inputTokens: 20, outputTokens: 10, modelCalls: 2 },
      calls: [{ tool: 'add', step: 1, outcome: { status: 'completed', output: 5 } }],
    });
    expect(model.requests[0]?.tools).toMatchObject([
      { name: 'add', inputSchema: { type: 'object', required: ['left', 'right'] } },
    ]);
    expect(model.requests[1]?.prompt).toMatchObject([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'What is 2 + 3?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Adding.' },
          { type: 'tool-call', toolName: 'add', input: { left: 2, right: 3 } },
        ],
      },
      { role: 'tool', content: [{ type: 'tool-result', toolName: 'add', output: { type: 'json', value: 5 } }] },
    ]);
  });

  it('emits the same story whether the model is streamed or not', async () => {
    const script = [
      { text: 'One moment.', calls: [{ tool: 'add', input: { left: 1, right: 1 } }] },
      { text: 'Two.', reasoning: 'hm' },
    ];
    const stories = await Promise.all(
      [true, false].map(async (stream) => {
        const clock = fixedClock();
        return read(
          runLoop({ model: scriptedModel(script), prompt: 'go', tools: [add], stream, clock, runId: 'loop_1' }),
        );
      }),
    );
    const withoutReasoning = stories.map((story) => story.filter((event) => event.type !== 'reasoning.delta'));
    expect(withoutReasoning[0]).toEqual(withoutReasoning[1]);
    expect(stories[0]?.map((event) => event.type)).toEqual([
      'step.started',
      'text.delta',
      'step.completed',
      'tool.called',
      'tool.completed',
      'step.started',
      'reasoning.delta',
      'text.delta',
      'step.completed',
      'loop.finished',
    ]);
  });

  it('streams when somebody iterates the handle, and does not bother the provider otherwise', async () => {
    const calls: string[] = [];
    const inner = scriptedModel([{ text: 'x', chunks: 1 }]);
    const model = {
      ...inner,
      doGenerate(options: Parameters<typeof inner.doGenerate>[0]) {
        calls.push('generate');
        return inner.doGenerate(options);
      },
      doStream(options: Parameters<typeof inner.doStream>[0]) {
        calls.push('stream');
        return inner.doStream(options);
      },
    };
    await runLoop({ model, prompt: 'go' }).result;
    await read(runLoop({ model, prompt: 'go' }));
    expect(calls).toEqual(['generate', 'stream']);
  });

  it('puts every event to onEvent too, and never lets its order differ', async () => {
    const seen: LoopEvent[] = [];
    const model = scriptedModel([{ calls: [{ tool: 'add', input: { left: 1, right: 2 } }] }, { text: 'done' }]);
    const handle = runLoop({ model, prompt: 'go', tools: [add], onEvent: (event) => seen.push(event) });
    expect(await read(handle)).toEqual(seen);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('goes on when onEvent %s, and says so once', async (_how, onEvent) => {
    const warnings: string[] = [];
    const hear = (warning: Error & { code?: string }) => warnings.push(`${warning.code} ${warning.message}`);
    process.on('warning', hear);
    onTestFinished(() => {
      process.off('warning', hear);
    });
    const model = scriptedModel([{ calls: [{ tool: 'add', input: { left: 1, right: 2 } }] }, { text: 'done' }]);
    const result = await runLoop({ model, prompt: 'go', tools: [add], onEvent }).result;
    expect(result).toMatchObject({ text: 'done', finish: { reason: 'stop' } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual(['GENIE_EVENT_LISTENER onEvent threw: mine']);
  });

  it('stops where a condition says so, with the results of that step in', async () => {
    const model = scriptedModel([{ calls: [{ tool: 'add', input: { left: 1, right: 2 } }] }]);
    const result = await runLoop({
      model,
      prompt: 'go',
      tools: [add],
      stopWhen: [() => false, async ({ steps }) => steps === 3],
    }).result;
    expect(result).toMatchObject({ steps: 3, finish: { reason: 'stop-condition' } });
    expect(result.calls).toHaveLength(3);
  });

  it.each(['length', 'content-filter'] as const)('says when the provider ended the answer for %s', async (finish) => {
    const result = await runLoop({ model: scriptedModel([{ text: 'half an ans', finish }]), prompt: 'go' }).result;
    expect(result).toMatchObject({ text: 'half an ans', finish: { reason: finish } });
  });

  it.each<[string, Partial<LoopOptions>, string]>([
    ['no prompt', {}, 'GENIE_LOOP_OPTIONS'],
    ['messages of a wrong form', { messages: [{ role: 'tool', content: 'x' } as never] }, 'GENIE_LOOP_OPTIONS'],
    ['a model that is a name', { model: 'gpt' as never, prompt: 'go' }, 'GENIE_MODEL_INVALID'],
    ['two tools of one name', { tools: [add, add], prompt: 'go' }, 'GENIE_TOOL_INVALID'],
    ['something that is no tool', { tools: [{ name: 'x' } as never], prompt: 'go' }, 'GENIE_TOOL_INVALID'],
    ['a budget of nothing', { budget: { steps: 0 }, prompt: 'go' }, 'GENIE_BUDGET_INVALID'],
    ['a budget in USD without a price', { budget: { usd: 1 }, prompt: 'go' }, 'GENIE_BUDGET_INVALID'],
    [
      'a budget in USD with a price that is no number',
      { budget: { usd: 1 }, price: { inputUsdPerMillion: Number.NaN, outputUsdPerMillion: 1 }, prompt: 'go' },
      'GENIE_BUDGET_INVALID',
    ],
    ['a budget of something unknown', { budget: { maxSteps: 3 } as never, prompt: 'go' }, 'GENIE_BUDGET_INVALID'],
    ['a limit of something unknown', { limits: { timeout: 3 } as never, prompt: 'go' }, 'GENIE_OPTIONS'],
    ['a limit that is no number', { limits: { modelTimeoutMs: Number.NaN }, prompt: 'go' }, 'GENIE_OPTIONS'],
    ['tools that are no list', { tools: {} as never, prompt: 'go' }, 'GENIE_TOOL_INVALID'],
  ])('throws at once for %s', (_what, options, code) => {
    expect(() => runLoop({ model: scriptedModel([]), ...options })).toThrow(expect.objectContaining({ code }));
  });

  it('ends with a reason, not an exception, when the journal cannot open the run', async () => {
    const journal = createMemoryJournal();
    await journal.open('loop_1');
    const handle = runLoop({ model: scriptedModel([{ text: 'x' }]), prompt: 'go', journal, runId: 'loop_1' });
    const events = await read(handle);
    expect((await handle.result).finish).toMatchObject({ reason: 'journal-error', error: { code: 'GENIE_RUN_OPEN' } });
    expect(events.map((event) => event.type)).toEqual(['loop.finished']);
  });

  it('closes its run in the journal when it will not go on, and answers from it the next time', async () => {
    const journal = createMemoryJournal();
    const model = scriptedModel([{ text: 'done' }]);
    const first = await runLoop({ model, prompt: 'go', journal, runId: 'loop_1' }).result;
    expect(await journal.list()).toMatchObject([
      { runId: 'loop_1', status: 'closed', closed: { status: 'completed' } },
    ]);
    const second = await runLoop({ model, prompt: 'something else', journal, runId: 'loop_1' }).result;
    expect(second).toEqual(first);
    expect(model.requests).toHaveLength(1);
  });

  it('takes 50,000 events to nobody and 50,000 to a late reader without losing one', async () => {
    const model = scriptedModel([{ text: 'x'.repeat(50_000), chunks: 50_000 }]);
    const handle = runLoop({ model, prompt: 'go', stream: true });
    await handle.result;
    const events = await read(handle);
    expect(events.filter((event) => event.type === 'text.delta')).toHaveLength(50_000);
  });
});

async function read(handle: LoopHandle): Promise<LoopEvent[]> {
  const events: LoopEvent[] = [];
  for await (const event of handle) events.push(event);
  return events;
}
