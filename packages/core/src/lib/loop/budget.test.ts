import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { openJournal } from '../journal/file-journal.ts';
import { createMemoryJournal } from '../journal/memory-journal.ts';
import type { ModelCallOptions } from '../model/language-model.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import { type ScriptedAnswer, scriptedModel } from '../testing/scripted-model.ts';
import { defineTool } from '../tool/define-tool.ts';
import { costOf } from './budget.ts';
import { runLoop } from './run-loop.ts';

const price = { inputUsdPerMillion: 3, outputUsdPerMillion: 15 };
const grow = defineTool({
  name: 'grow',
  description: 'Grows.',
  effect: 'read',
  input: z.object({ size: z.number() }),
  run: ({ size }) => ({ size, filler: 'x'.repeat(size), once: Math.random() }),
});

describe('a budget', () => {
  it('is never overshot by a model that always wants more: steps, tokens and USD', async () => {
    const limits = fc.record(
      {
        steps: fc.integer({ min: 1, max: 12 }),
        tokens: fc.integer({ min: 20, max: 20_000 }),
        usd: fc.double({ min: 0.000_1, max: 0.1, noNaN: true }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(limits, fc.array(fc.nat(3_000), { minLength: 1, maxLength: 12 }), async (budget, sizes) => {
        const result = await runLoop({
          model: hungry(sizes),
          prompt: 'go',
          tools: [grow],
          budget: { steps: 30, ...budget },
          price,
        }).result;
        const { inputTokens, outputTokens } = result.usage;
        if (budget.steps) expect(result.steps).toBeLessThanOrEqual(budget.steps);
        if (budget.tokens) expect(inputTokens + outputTokens).toBeLessThanOrEqual(budget.tokens);
        if (budget.usd) expect(result.costUsd).toBeLessThanOrEqual(budget.usd);
        expect(result.finish).toMatchObject({ reason: 'budget', error: { code: 'GENIE_BUDGET_EXCEEDED' } });
      }),
      { numRuns: 150 },
    );
  });

  it('counts what was spent before a crash', async () => {
    const journal = createMemoryJournal();
    const first = new AbortController();
    const model = hungry([10]);
    const stopAtThree = () => {
      if (model.requests.length === 3) first.abort();
      return false;
    };
    const options = { model, prompt: 'go', tools: [grow], journal, runId: 'loop_1', budget: { steps: 5 } };
    await runLoop({ ...options, stopWhen: stopAtThree, signal: first.signal }).result;
    const result = await runLoop(options).result;
    expect([result.steps, model.requests.length, result.finish.reason]).toEqual([5, 5, 'budget']);
  });

  it('of time ends a call that hangs, and names what to raise', async () => {
    const clock = fixedClock();
    const model = { ...scriptedModel([]), doGenerate: () => new Promise<never>(() => undefined) };
    const handle = runLoop({ model, prompt: 'go', budget: { timeMs: 60_000 }, clock });
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
    const { finish } = await handle.result;
    expect(finish).toMatchObject({
      reason: 'budget',
      error: {
        details: { limit: 'time', used: 60_000, allowed: 60_000 },
        message: expect.stringContaining('budget.timeMs'),
      },
    });
  });

  it('of time that ended a loop ended it for good: the same run makes no call again, and its journal stays whole', async () => {
    const clock = fixedClock();
    const dir = mkdtempSync(join(tmpdir(), 'genie-budget-'));
    const journal = openJournal({ dir });
    onTestFinished(async () => {
      await journal.close();
      rmSync(dir, { recursive: true, force: true });
    });
    let calls = 0;
    const hang = defineTool({
      name: 'hang',
      description: 'x',
      input: z.object({}),
      effect: 'read',
      timeoutMs: Number.POSITIVE_INFINITY,
      run: () => {
        calls += 1;
        setImmediate(() => clock.advance(1_000));
        return new Promise<never>(() => undefined);
      },
    });
    const model = scriptedModel([{ calls: [{ tool: 'hang', input: {} }] }]);
    const options = { model, prompt: 'go', tools: [hang], journal, runId: 'loop_1', budget: { timeMs: 1_000 }, clock };
    const first = await runLoop(options).result;
    expect(first).toMatchObject({ steps: 1, finish: { reason: 'budget' } });
    for (let again = 0; again < 2; again += 1) expect(await runLoop(options).result).toEqual(first);
    expect(calls).toBe(1);
    expect((await journal.read('loop_1')).map((record) => record.kind)).toEqual([
      'opened',
      'answer',
      'finished',
      'closed',
    ]);
  });

  it('asks for no answer that would be too short to use', async () => {
    const model = hungry([10]);
    const result = await runLoop({ model, prompt: 'x'.repeat(400), budget: { tokens: 110 } }).result;
    expect([model.requests.length, result.finish.reason]).toEqual([0, 'budget']);
  });
});

describe('costOf', () => {
  it('charges cached input at its own price', () => {
    const usage = { inputTokens: 1_000_000, cachedInputTokens: 400_000, outputTokens: 1_000_000, modelCalls: 1 };
    expect(costOf(usage, { ...price, cachedInputUsdPerMillion: 0.3 })).toBeCloseTo(0.6 * 3 + 0.4 * 0.3 + 15);
    expect(costOf(usage, price)).toBeCloseTo(18);
  });
});

/** Calls a tool in every answer, writes as much as it is allowed to, and reads every fourth character of its prompt as a token. */
function hungry(sizes: readonly number[]) {
  return scriptedModel(
    (request, index): ScriptedAnswer => ({
      calls: [{ tool: 'grow', input: { size: sizes[index % sizes.length] ?? 0 } }],
      usage: { inputTokens: Math.floor(textLength(request) / 4), outputTokens: request.maxOutputTokens ?? 200 },
    }),
  );
}

function textLength({ prompt }: ModelCallOptions): number {
  let characters = 0;
  for (const message of prompt) {
    if (typeof message.content === 'string') characters += message.content.length;
    else {
      for (const part of message.content) {
        if (part.type === 'text') characters += part.text.length;
        else if (part.type === 'tool-call') characters += part.toolName.length + JSON.stringify(part.input).length;
        else if (part.type === 'tool-result' && 'value' in part.output) {
          const { value } = part.output;
          characters += typeof value === 'string' ? value.length : JSON.stringify(value).length;
        }
      }
    }
  }
  return characters;
}
