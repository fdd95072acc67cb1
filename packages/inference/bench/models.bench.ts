import type { LanguageModelV4Message } from '@ai-sdk/provider';
import { createEmbedder } from '../src/lib/embedder/create-embedder.ts';
import { createFailover } from '../src/lib/failover/create-failover.ts';
import { createOfflineModel } from '../src/lib/offline/offline-model.ts';
import { atMost, type BenchOptions, median, noted, type Row } from './rows.ts';

/** Models without a neural network and what stands between a genie and its models. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  log('offline model, failover, hash embedder …');
  return [await offlineBriefing(), await failoverCost(), await hashCost()];
}

/** A briefing over 1,000 items with 200 remembered lines. */
async function offlineBriefing(): Promise<Row> {
  const model = createOfflineModel();
  const items = Array.from({ length: 1_000 }, (_, index) => ({
    id: `id-${index}-${index * 7919}`,
    title: `Change ${index} of the ${['journal', 'lease', 'parser', 'router'][index % 4]}`,
    text: `It now handles case ${index}. Two processes could disagree about it before. A test shows the difference in ${index % 13} places.`,
    date: `2026-11-${String(1 + (index % 28)).padStart(2, '0')}`,
    location: `https://example.com/${index}`,
    author: `Author ${index % 9}`,
  }));
  const known = Array.from(
    { length: 200 },
    (_, index) => `- Change ${index} of the ${['journal', 'lease', 'parser', 'router'][index % 4]}`,
  ).join('\n');
  const prompt: LanguageModelV4Message[] = [
    {
      role: 'user',
      content: [
        {
          type: 'text',
          text: `# Goal\nBrief me on the journal\n# Sources\n- feed: https://example.com/feed\n# Already known\n${known}`,
        },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'tool-call', toolCallId: 'c1', toolName: 'read_feed', input: { url: 'https://example.com/feed' } },
      ],
    },
    {
      role: 'tool',
      content: [
        { type: 'tool-result', toolCallId: 'c1', toolName: 'read_feed', output: { type: 'json', value: { items } } },
      ],
    },
  ];
  const times: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const startedAt = performance.now();
    await model.doGenerate({ prompt });
    times.push(performance.now() - startedAt);
  }
  return noted(
    'offline-briefing',
    'offline briefing over 1,000 items and 200 remembered lines, median',
    median(times),
    'ms',
  );
}

/** What failover adds to a call that succeeds at once, on a model without latency. */
async function failoverCost(): Promise<Row> {
  const model = createOfflineModel();
  const through = createFailover({ candidates: [{ model }, { model }] });
  const call = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }] };
  const time = async (one: typeof model) => {
    const startedAt = performance.now();
    for (let index = 0; index < 2_000; index += 1) await one.doGenerate(call);
    return ((performance.now() - startedAt) * 1_000) / 2_000;
  };
  const added: number[] = [];
  for (let round = 0; round < 7; round += 1) added.push(-(await time(model)) + (await time(through)));
  return atMost('failover-added', 'added by failover to a call that succeeds at once, median', median(added), 'µs', 50);
}

async function hashCost(): Promise<Row> {
  const embedder = createEmbedder('hash', { cacheEntries: 0 });
  const texts = Array.from(
    { length: 1_000 },
    (_, index) => `The journal recovers every completed step after crash ${index}, and cites where it was found.`,
  );
  const times: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const startedAt = performance.now();
    await embedder.embed(texts);
    times.push(performance.now() - startedAt);
  }
  return noted('hash-embedding', 'hash embedding of a sentence, 256 dimensions, median', median(times), 'µs');
}
