import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createMemoryApprovals } from '../approvals/memory-approvals.ts';
import { createMemoryJournal } from '../journal/memory-journal.ts';
import type { LanguageModel, ModelStreamPart } from '../model/language-model.ts';
import { systemClock } from '../ports/clock.ts';
import { createIds } from '../ports/ids.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import { defineTool, type ToolOptions } from '../tool/define-tool.ts';
import { AbortGuard, interrupted } from './abort-guard.ts';
import { type LoopOptions, runLoop } from './run-loop.ts';

const forever = () => new Promise<never>(() => undefined);
const deafModel: LanguageModel = { ...scriptedModel([]), doGenerate: forever, doStream: forever };
const hanging: LanguageModel = {
  ...scriptedModel([]),
  doStream: async () => ({
    stream: new ReadableStream<ModelStreamPart>({
      start: (controller) => controller.enqueue({ type: 'text-delta', id: '1', delta: 'And then' }),
    }),
  }),
};
const anything = { description: 'x', input: z.object({}), effect: 'read' } as const;
const slowCheck = z.object({}).refine(forever);

describe('AbortGuard', () => {
  it('shares one listener with all guards of a signal, and leaves none behind', () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = countListeners(signal);
    const guards = Array.from({ length: 3 }, () => new AbortGuard(signal));
    expect(listeners.count).toBe(1);
    for (const guard of guards) guard.dispose();
    expect(listeners.count).toBe(0);
    const [first, second] = [new AbortGuard(signal), new AbortGuard(signal)];
    first.dispose();
    controller.abort('enough');
    expect([first.cause, second.cause, second.signal.reason]).toEqual([undefined, 'aborted', 'enough']);
    expect(new AbortGuard(signal).cause).toBe('aborted');
  });
});

describe('aborting a loop', () => {
  it.each<[string, Partial<LoopOptions>]>([
    ['a model that ignores its signal', { model: deafModel, stream: false }],
    ['a model that ignores its signal (streamed)', { model: deafModel, stream: true }],
    ['a stream that stopped half-way', { model: hanging, stream: true }],
    ['a tool that ignores its signal', calling({ ...anything, name: 'call', run: forever })],
    [
      'tools in parallel that ignore their signals',
      {
        ...calling({ ...anything, name: 'call', run: forever }),
        model: scriptedModel([{ calls: Array(20).fill({ tool: 'call', input: {} }) }]),
      },
    ],
    [
      'arguments whose check never ends',
      calling({ ...anything, name: 'call', input: slowCheck, inputJsonSchema: {}, run: () => 1 }),
    ],
    [
      'a result whose check never ends',
      calling({ ...anything, name: 'call', output: slowCheck as never, run: () => ({}) }),
    ],
    [
      'a long result that is being stored',
      { ...calling({ ...anything, name: 'call', run: () => 'x'.repeat(200_000) }), keepOutput: forever },
    ],
    [
      'a stop condition that never decides',
      { ...calling({ ...anything, name: 'call', run: () => 1 }), stopWhen: forever },
    ],
    [
      'an approval that nobody decides',
      {
        ...calling({ ...anything, name: 'call', approval: 'always', run: () => 1 }),
        approvals: approvals(),
        limits: { approvalWaitMs: 60_000 },
      },
    ],
    [
      'an approval policy that never decides',
      { ...calling({ ...anything, name: 'call', approval: forever, run: () => 1 }), approvals: approvals() },
    ],
  ])('stops within 50 ms: %s', async (_what, options) => {
    const controller = new AbortController();
    const handle = runLoop({ model: scriptedModel([]), prompt: 'go', ...options, signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const startedAt = performance.now();
    controller.abort();
    const result = await handle.result;
    const tookMs = performance.now() - startedAt;
    expect(result.finish).toEqual({ reason: 'aborted' });
    expect(tookMs).toBeLessThan(50);
  });

  it('stops a loop whose reader fell behind and stopped reading', async () => {
    const controller = new AbortController();
    const model = scriptedModel([{ text: 'x'.repeat(20_000), chunks: 20_000 }]);
    const handle = runLoop({ model, prompt: 'go', signal: controller.signal });
    const iterator = handle[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const startedAt = performance.now();
    controller.abort();
    expect((await handle.result).finish.reason).toBe('aborted');
    expect(performance.now() - startedAt).toBeLessThan(50);
  });

  it('does nothing when the signal was aborted before', async () => {
    const model = scriptedModel([{ text: 'x' }]);
    const result = await runLoop({ model, prompt: 'go', signal: AbortSignal.abort() }).result;
    expect([result.finish.reason, model.requests.length]).toEqual(['aborted', 0]);
  });

  it('tells the tool, and leaves no listener on the caller', async () => {
    const controller = new AbortController();
    let heard = false;
    const listeners = countListeners(controller.signal);
    const options = calling({
      ...anything,
      name: 'call',
      run: (_input, { signal }) => {
        signal.addEventListener('abort', () => {
          heard = true;
        });
        controller.abort();
        return forever();
      },
    });
    await runLoop({ model: scriptedModel([]), prompt: 'go', ...options, signal: controller.signal }).result;
    expect([heard, listeners.count]).toEqual([true, 0]);
  });

  it('leaves a journal that goes on where it stopped', async () => {
    const journal = createMemoryJournal();
    const controller = new AbortController();
    const calls: string[] = [];
    const work = defineTool({
      name: 'work',
      description: 'x',
      effect: 'idempotent',
      input: z.object({ part: z.string() }),
      run: ({ part }) => {
        calls.push(part);
        if (part === 'second' && !controller.signal.aborted) {
          controller.abort();
          return forever();
        }
        return part;
      },
    });
    const model = scriptedModel(({ prompt }) => {
      const step = prompt.filter((message) => message.role === 'assistant').length;
      return (
        [
          { calls: [{ tool: 'work', input: { part: 'first' } }] },
          { calls: [{ tool: 'work', input: { part: 'second' } }] },
          { text: 'both' },
        ][step] ?? {}
      );
    });
    const options = { model, prompt: 'go', tools: [work], journal, runId: 'loop_1' };
    expect((await runLoop({ ...options, signal: controller.signal }).result).finish.reason).toBe('aborted');
    expect((await journal.list())[0]?.status).toBe('open');
    const resumed = await runLoop(options).result;
    expect(resumed).toMatchObject({ text: 'both', steps: 3, finish: { reason: 'stop' } });
    expect(calls).toEqual(['first', 'second', 'second']);
  });
});

describe('AbortGuard', () => {
  it('lets go of what it waits for, with late rejections unheard', async () => {
    const guard = new AbortGuard(undefined);
    let reject: (error: Error) => void = () => undefined;
    const waiting = guard.race(new Promise((_resolve, onReject) => (reject = onReject)));
    guard.interrupt('time');
    await expect(waiting).rejects.toBe(interrupted);
    reject(new Error('too late'));
    await expect(guard.race(Promise.reject(new Error('later still')))).rejects.toBe(interrupted);
    expect([guard.cause, guard.signal.aborted]).toEqual(['time', true]);
  });

  it('goes on with a fresh signal after a call was given up', async () => {
    const guard = new AbortGuard(undefined);
    const first = guard.signal;
    const waiting = guard.race(forever());
    guard.giveUp(new Error('too slow'));
    await expect(waiting).rejects.toThrow('too slow');
    expect([first.aborted, guard.signal.aborted, guard.cause]).toEqual([true, false, undefined]);
  });
});

function calling(tool: ToolOptions<typeof anything.input, unknown>): Partial<LoopOptions> {
  return { model: scriptedModel([{ calls: [{ tool: 'call', input: {} }] }]), tools: [defineTool(tool)] };
}

function approvals() {
  return createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
}

function countListeners(signal: AbortSignal): { readonly count: number } {
  const state = { count: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    state.count += 1;
    return addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    state.count -= 1;
    return removeEventListener.apply(signal, args);
  };
  return state;
}
