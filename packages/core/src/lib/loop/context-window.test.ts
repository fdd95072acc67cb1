import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { LoopEvent } from '../events/genie-event.ts';
import type { ModelMessage } from '../model/language-model.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import { defineTool } from '../tool/define-tool.ts';
import { fitContextWindow } from './context-window.ts';
import { runLoop } from './run-loop.ts';
import { Transcript } from './transcript.ts';

const step = fc.record({ text: fc.nat(400), calls: fc.array(fc.nat(800), { maxLength: 3 }) });

describe('fitContextWindow', () => {
  it('keeps the beginning and the newest step, never parts a call from its result, and fits when it can', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 50, max: 2_000 }),
        (steps, maxTokens) => {
          const transcript = transcriptOf(steps);
          const fitted = fitContextWindow(transcript, maxTokens);
          expect(fitted.messages.slice(0, 2)).toEqual(transcript.messages.slice(0, 2));
          expect(fitted.messages.at(-1)).toBe(transcript.messages.at(-1));
          expect(unpaired(fitted.messages)).toEqual([]);
          const kept = fitted.messages.filter((message) => transcript.messages.includes(message)).length;
          expect(kept + fitted.droppedMessages).toBe(transcript.messages.length);
          const newest =
            transcript.messages.length - transcript.messages.findLastIndex((message) => message.role === 'assistant');
          // 40 tokens are the note about what was left out.
          if (kept > 2 + newest) expect(fitted.estimatedTokens).toBeLessThanOrEqual(maxTokens + 40);
        },
      ),
    );
  });

  it('leaves a prompt alone that fits', () => {
    const transcript = transcriptOf([{ text: 10, calls: [10] }]);
    expect(fitContextWindow(transcript, 1e9).messages).toBe(transcript.messages);
  });
});

describe('a long run in a small context window', () => {
  it('goes on with its oldest steps left out, and says so', async () => {
    const read = defineTool({
      name: 'read',
      description: 'x',
      effect: 'read',
      input: z.object({ page: z.number() }),
      run: ({ page }) => ({ page, text: `${page} `.repeat(500) }),
    });
    const model = scriptedModel((_request, index) =>
      index < 20 ? { calls: [{ tool: 'read', input: { page: index } }] } : { text: 'read all' },
    );
    const events: LoopEvent[] = [];
    const limits = { contextTokens: 2_000 };
    const result = await runLoop({ model, prompt: 'go', tools: [read], limits, onEvent: (event) => events.push(event) })
      .result;
    expect(result).toMatchObject({ text: 'read all', steps: 21 });
    for (const request of model.requests) {
      expect(unpaired(request.prompt)).toEqual([]);
      expect(JSON.stringify(request.prompt).length / 4).toBeLessThan(2_700);
    }
    expect(events.filter((event) => event.type === 'context.trimmed').length).toBeGreaterThan(10);
  });
});

function transcriptOf(steps: readonly { readonly text: number; readonly calls: readonly number[] }[]): Transcript {
  const transcript = new Transcript([
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'go' },
  ]);
  steps.forEach(({ text, calls }, at) => {
    const parts = calls.map((_, index) => ({ type: 'call' as const, id: `${at}-${index}`, tool: 'read', input: '{}' }));
    transcript.addAnswer([{ type: 'text', text: 'x'.repeat(text) }, ...parts]);
    if (calls.length === 0) return;
    transcript.addResults(
      calls.map((size, index) => {
        const output = 'y'.repeat(size);
        return { callId: `${at}-${index}`, tool: 'read', outcome: { status: 'completed', output }, outputText: output };
      }),
    );
  });
  return transcript;
}

/** Ids of calls without a result behind them, and of results without their call. */
function unpaired(messages: readonly ModelMessage[]): string[] {
  const open = new Set<string>();
  const lost: string[] = [];
  for (const message of messages) {
    if (message.role === 'assistant')
      for (const part of message.content) if (part.type === 'tool-call') open.add(part.toolCallId);
    if (message.role !== 'tool') continue;
    for (const part of message.content) {
      if (part.type === 'tool-result' && !open.delete(part.toolCallId)) lost.push(part.toolCallId);
    }
  }
  return [...open, ...lost];
}
