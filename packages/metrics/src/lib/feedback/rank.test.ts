import { expect, it } from 'vitest';
import { openMetrics } from '../open-metrics.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { rankByPreferences } from './rank.ts';

it('puts what the user values first and says why, and keeps the order of the rest', async () => {
  const metrics = openMetrics({ store: createMemoryStore() });
  for (const index of [1, 2, 3]) {
    await metrics.feedback({ kind: 'thumbs', up: true, source: 'good', itemId: `g${index}` });
    await metrics.feedback({ kind: 'irrelevant', source: 'bad', itemId: `b${index}` });
  }
  const item = (id: string, source: string) => ({ id, text: id, citations: [{ source, location: `${source}/1` }] });
  const ranked = rankByPreferences(
    [item('1', 'bad'), item('2', 'new'), item('3', 'good'), item('4', 'other'), item('b1', 'good')],
    await metrics.preferences(),
  );
  expect(ranked.map((one) => one.item.id)).toEqual(['3', '2', '4', 'b1', '1']);
  expect(ranked[0]?.why).toBe('from good: 3 liked, 0 not');
  expect(ranked[3]?.why).toBe('you judged it: 0 liked, 1 not');
  expect(ranked[1]).not.toHaveProperty('why');
});
