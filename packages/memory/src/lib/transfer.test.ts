import { describe, expect, it } from 'vitest';
import { openMemory } from './open-memory.ts';

const base = {
  id: 'a',
  namespace: 'default',
  tier: 'associative',
  kind: 'note',
  text: 'a walrus',
  status: 'live',
  importance: 0.5,
  confidence: 1,
  recordedAt: 1,
};
const fact = { ...base, tier: 'core', kind: 'fact', subject: 'user', relation: 'city', object: 'Oslo' };

describe('import', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['a time with a fraction', { ...base, recordedAt: 1.5 }],
    ['a time beyond all dates', { ...base, eventTime: 1e300 }],
    ['a step with a fraction', { ...base, step: 1.5 }],
    ['a retired record without a time', { ...base, status: 'superseded' }],
    ['a text of NUL only', { ...base, text: '\u0000' }],
    ['a namespace that no call can name', { ...base, namespace: 'n'.repeat(1_001) }],
    ['a second value for a fact, under another id', fact],
  ])('refuses %s, names the line and stays whole', async (_name, line) => {
    const memory = openMemory({ store: ':memory:' });
    await memory.core.set('city', 'Rome');
    await expect(memory.import([JSON.stringify(line)])).rejects.toMatchObject({
      code: 'GENIE_MEMORY_IMPORT',
      details: { line: 1 },
    });
    expect((await memory.stats()).records).toBe(1);
    await memory.close();
  });

  it('stores names in the form in which other calls look for them', async () => {
    const memory = openMemory({ store: ':memory:' });
    await memory.import([JSON.stringify({ ...base, id: 'a\u0000b', speaker: 'Ada\ud800' })]);
    expect(await memory.get('ab')).toMatchObject({ speaker: 'Ada\ufffd' });
    await memory.close();
  });

  it('shows a merged memory whose survivor did not come along', async () => {
    const memory = openMemory({ store: ':memory:' });
    const lines = [JSON.stringify({ ...base, status: 'merged', retiredAt: 2, retiredBy: 'elsewhere' }), 'nonsense'];
    await expect(memory.import(lines)).rejects.toMatchObject({ details: { line: 2 } });
    await memory.import(lines.slice(0, 1));
    expect((await memory.recall('walrus')).items.map(({ id }) => id)).toEqual(['a']);
    expect((await memory.verify()).problems).toEqual([]);
    await memory.close();
  });

  it('gives another memory the same records, facts with their history included', async () => {
    const first = openMemory({ store: ':memory:' });
    await first.remember([
      { text: 'Buy milk', source: 'list' },
      { text: 'buy milk!', source: 'list' },
      { text: 'in another place', namespace: 'other' },
    ]);
    await first.consolidate();
    await first.core.set('city', 'Oslo');
    await first.core.set('city', 'Bergen');
    await first.knowledge.assert({ subject: 'Ada', relation: 'knows', object: 'Bob', many: true });
    const linesOf = async (memory: typeof first): Promise<string[]> => {
      const lines: string[] = [];
      for await (const line of memory.export()) lines.push(line);
      return lines;
    };
    const second = openMemory({ store: ':memory:' });
    await second.import(await linesOf(first));
    expect(await linesOf(second)).toEqual(await linesOf(first));
    expect((await second.verify()).problems).toEqual([]);
    await first.close();
    await second.close();
  });
});
