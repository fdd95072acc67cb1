import { defineTool } from '@genie/core';
import { runLoop } from '@genie/core/loop';
import type { LanguageModel, Tool, Toolbox, ToolContext } from '@genie/core/ports';
import { createMemoryJournal, scriptedModel } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { recordingFromJournal } from './journal-recording.ts';
import { createRecording, recordModel, recordToolbox } from './recording.ts';
import { createReplay } from './replay.ts';

const context = {} as ToolContext;
const ask = (text: string): Parameters<LanguageModel['doGenerate']>[0] => ({
  prompt: [{ role: 'user', content: [{ type: 'text', text }] }],
});

function counting(effect: 'read' | 'once'): { box: Toolbox; calls: unknown[] } {
  const calls: unknown[] = [];
  const tool = defineTool({
    name: 'look',
    description: 'looks',
    effect,
    input: z.object({ at: z.string() }),
    run: (input) => {
      calls.push(input);
      return { seen: calls.length };
    },
  }) as Tool;
  return { box: { list: () => [tool], get: (name) => (name === 'look' ? tool : undefined) }, calls };
}

describe('createReplay', () => {
  it('answers models and tools from the recording, in order, without a live call', async () => {
    const recording = createRecording();
    const model = recordModel(scriptedModel([{ text: 'first' }, { text: 'second' }]), recording);
    await model.doGenerate(ask('q'));
    await model.doGenerate(ask('q'));
    const { box, calls } = counting('once');
    await recordToolbox(box, recording).get('look')?.run({ at: 'x' }, context);
    const live = scriptedModel([{ text: 'live' }]);
    const replay = createReplay(JSON.parse(JSON.stringify(recording)));
    const texts = [];
    for (let turn = 0; turn < 2; turn += 1) texts.push((await replay.model(live).doGenerate(ask('q'))).content[0]);
    expect(texts).toMatchObject([{ text: 'first' }, { text: 'second' }]);
    expect(await replay.toolbox(box).get('look')?.run({ at: 'x' }, context)).toEqual({ seen: 1 });
    expect(live.requests).toHaveLength(0);
    expect(calls).toHaveLength(1);
    expect(replay.counts()).toEqual({ recordedCalls: 3, liveCalls: 0 });
  });

  it('goes live where the question differs, within the budget', async () => {
    const live = scriptedModel([{ text: 'live' }]);
    const replay = createReplay(createRecording(), { modelCalls: 1, toolCalls: 1 });
    await replay.model(live).doGenerate(ask('new'));
    await expect(replay.model(live).doGenerate(ask('new'))).rejects.toMatchObject({ code: 'GENIE_REPLAY_BUDGET' });
    const { box } = counting('read');
    await replay.toolbox(box).get('look')?.run({ at: 'x' }, context);
    const second = async () => replay.toolbox(box).get('look')?.run({ at: 'x' }, context);
    await expect(second()).rejects.toMatchObject({ code: 'GENIE_REPLAY_BUDGET' });
    expect(replay.counts()).toEqual({ recordedCalls: 0, liveCalls: 2 });
  });

  it('never calls a tool live that changes something', async () => {
    const { box, calls } = counting('once');
    const replay = createReplay(createRecording(), { toolCalls: 100 });
    const call = async () => replay.toolbox(box).get('look')?.run({ at: 'x' }, context);
    await expect(call()).rejects.toMatchObject({ code: 'GENIE_REPLAY_EFFECT' });
    expect(calls).toHaveLength(0);
  });

  it('replays streams part by part', async () => {
    const recording = createRecording();
    const drain = async (model: LanguageModel) => {
      const parts = [];
      for await (const part of (await model.doStream(ask('q'))).stream as unknown as AsyncIterable<unknown>)
        parts.push(part);
      return parts;
    };
    const first = await drain(recordModel(scriptedModel([{ text: 'hello', chunks: 3 }]), recording));
    expect(await drain(createReplay(recording).model(scriptedModel([])))).toEqual(first);
  });

  it('replays the tool results of a journal, also where arguments have defaults', async () => {
    const journal = createMemoryJournal();
    const seen: unknown[] = [];
    const tool = defineTool({
      name: 'look',
      description: 'looks',
      effect: 'once',
      input: z.object({ at: z.string(), deep: z.boolean().default(false) }),
      run: (input) => {
        seen.push(input);
        if (input.at === 'broken') throw new Error('cannot look');
        return { found: input.at };
      },
    }) as Tool;
    const calls = [
      { tool: 'look', input: { at: 'x' } },
      { tool: 'look', input: { at: 'broken' } },
      { tool: 'gone', input: {} },
    ];
    const run = runLoop({
      model: scriptedModel([{ calls }, { text: 'done' }]),
      prompt: 'go',
      tools: [tool],
      journal,
      runId: 'run_1',
    });
    await run.result;
    const box: Toolbox = { list: () => [tool], get: (name) => (name === 'look' ? tool : undefined) };
    const opened = await journal.open('run_1');
    const replay = createReplay(await recordingFromJournal(opened.recorded, box));
    opened.release();
    const look = replay.toolbox(box).get('look')!;
    expect(await look.run({ at: 'x', deep: false }, context)).toEqual({ found: 'x' });
    await expect((async () => look.run({ at: 'broken', deep: false }, context))()).rejects.toThrow('cannot look');
    await expect((async () => look.run({ at: 'new', deep: false }, context))()).rejects.toMatchObject({
      code: 'GENIE_REPLAY_EFFECT',
    });
    expect(seen).toHaveLength(2);
  });
});
