import { scriptedModel } from '@genie/core/testing';
import { expect, it } from 'vitest';
import { meterModel } from './meter-model.ts';

const prompt = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'x' }] }] };
const script = [{ text: 'y', usage: { inputTokens: 900, outputTokens: 100 } }];
const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 10 };

it('counts tokens and money, and refuses the call after the one that spent the budget', async () => {
  const meter = meterModel(scriptedModel(script), { price, tokens: 1500 });
  await meter.model.doGenerate(prompt);
  expect(meter.spent()).toEqual({ tokens: 1000, usd: 0.0019 });
  await meter.model.doGenerate(prompt);
  await expect(meter.model.doGenerate(prompt)).rejects.toMatchObject({ code: 'GENIE_REPLAY_BUDGET' });
  expect(meter.spent().tokens).toBe(2000);
});

it('limits money where there is a price, and says nothing of it where there is none', async () => {
  const priced = meterModel(scriptedModel(script), { price, usd: 0.001 });
  await priced.model.doGenerate(prompt);
  await expect(priced.model.doGenerate(prompt)).rejects.toMatchObject({ code: 'GENIE_REPLAY_BUDGET' });
  const free = meterModel(scriptedModel(script), { price: undefined, usd: 0.001 });
  await free.model.doGenerate(prompt);
  await free.model.doGenerate(prompt);
  expect(free.spent()).toEqual({ tokens: 2000, usd: 0 });
});
