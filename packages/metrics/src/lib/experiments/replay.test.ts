import { defineTool } from '@genie/core';
import type { LanguageModel, Tool, Toolbox, ToolContext } from '@genie/core/ports';
import { scriptedModel } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
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
});
