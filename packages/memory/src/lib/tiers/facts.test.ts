import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Memory } from '../memory.ts';
import { openMemory } from '../open-memory.ts';

let now = Date.UTC(2026, 0, 1);
let memory: Memory;
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  memory = openMemory({
    store: ':memory:',
    clock: { now: () => now, elapsed: () => performance.now(), schedule: () => () => undefined },
  });
});
afterEach(() => memory.close());

describe('core', () => {
  it('replaces a value and keeps its history', async () => {
    await memory.core.set('city', 'Oslo', { source: 'chat', runId: 'run_1', step: 2 });
    now += 1_000;
    await memory.core.set('city', 'Bergen');
    expect(await memory.core.get('city')).toBe('Bergen');
    expect(await memory.core.history('city')).toMatchObject([
      { value: 'Oslo', retiredAt: now, validTo: now, source: 'chat', runId: 'run_1', step: 2 },
      { value: 'Bergen' },
    ]);
    expect(await memory.core.get('city', { asOf: now - 500 })).toBe('Oslo');
    expect(await memory.core.list()).toHaveLength(1);
  });

  it('does nothing when the value is the same', async () => {
    const first = await memory.core.set('city', 'Oslo');
    expect(await memory.core.set('city', 'Oslo')).toMatchObject({ id: first.id });
    expect(await memory.core.history('city')).toHaveLength(1);
  });

  it('loses no update when many write the same key at once', async () => {
    await Promise.all(Array.from({ length: 4 }, (_one, at) => memory.core.set('count', `${at}`)));
    expect(await memory.core.history('count')).toHaveLength(4);
    expect(await memory.core.list()).toHaveLength(1);
    expect((await memory.verify()).problems).toEqual([]);
  });

  it('deletes a key and keeps what it was', async () => {
    await memory.core.set('city', 'Oslo');
    expect(await memory.core.delete('city')).toBe(true);
    expect(await memory.core.delete('city')).toBe(false);
    expect(await memory.core.get('city')).toBeUndefined();
    expect(await memory.core.history('city')).toHaveLength(1);
  });
});

describe('knowledge', () => {
  const job = (object: string, validFrom: string) =>
    memory.knowledge.assert({ subject: 'Ada', relation: 'works at', object, validFrom });

  it('tells valid time from recorded time', async () => {
    await job('the mill', '2020-01-01');
    now += 1_000;
    await job('the harbour', '2023-06-01');
    const at = async (moment: string, asOf?: number) =>
      (await memory.knowledge.query({ subject: 'Ada', at: moment, ...(asOf === undefined ? {} : { asOf }) })).map(
        ({ value }) => value,
      );
    expect(await at('2021-01-01')).toEqual(['the mill']);
    expect(await at('2024-01-01')).toEqual(['the harbour']);
    expect(await at('2024-01-01', now - 500)).toEqual(['the mill']);
    expect(await at('2019-01-01')).toEqual([]);
  });

  it('fills the past without touching the present when an older fact is learnt late', async () => {
    await job('the harbour', '2023-06-01');
    now += 1_000;
    await job('the mill', '2020-01-01');
    expect((await memory.knowledge.query({ subject: 'Ada' })).map(({ value }) => value)).toEqual(['the harbour']);
    expect((await memory.knowledge.query({ subject: 'Ada', at: '2021-01-01' })).map(({ value }) => value)).toEqual([
      'the mill',
    ]);
    expect((await memory.verify()).problems).toEqual([]);
  });

  it('surfaces contradictions as pairs and averages nothing', async () => {
    await job('the mill', '2020-01-01');
    await job('the harbour', '2020-01-01');
    expect(await memory.knowledge.contradictions()).toMatchObject([
      { older: { value: 'the mill' }, newer: { value: 'the harbour' } },
    ]);
  });

  it('keeps several objects where a relation allows them', async () => {
    await memory.knowledge.assert({ subject: 'Ada', relation: 'knows', object: 'Bo', many: true });
    await memory.knowledge.assert({ subject: 'Ada', relation: 'knows', object: 'Cy', many: true });
    expect((await memory.knowledge.query({ subject: 'Ada', relation: 'knows' })).map(({ value }) => value)).toEqual([
      'Bo',
      'Cy',
    ]);
    expect(await memory.knowledge.query({ object: 'Cy' })).toHaveLength(1);
    expect((await memory.verify()).problems).toEqual([]);
  });

  it('is found by recall in the words of the fact', async () => {
    await job('the harbour', '2023-06-01');
    expect((await memory.recall('Where does Ada work?')).items[0]?.text).toBe('Ada works at: the harbour');
  });
});

describe('prune', () => {
  it('removes retired facts by age and live memories only of named kinds', async () => {
    await memory.core.set('city', 'Oslo');
    await memory.core.set('city', 'Bergen');
    await memory.remember([
      { id: 'old', text: 'old log', kind: 'log' },
      { id: 'note', text: 'old note' },
    ]);
    now += 10_000;
    await expect(memory.prune({ olderThanMs: 1 })).rejects.toMatchObject({ code: 'GENIE_MEMORY_INPUT' });
    expect(await memory.prune({ retiredOlderThanMs: 5_000, olderThanMs: 5_000, kinds: ['log'], dryRun: true })).toEqual(
      { removed: 2 },
    );
    expect(await memory.prune({ retiredOlderThanMs: 5_000, olderThanMs: 5_000, kinds: ['log'] })).toEqual({
      removed: 2,
    });
    expect((await memory.core.history('city')).map(({ value }) => value)).toEqual(['Bergen']);
    expect((await memory.list('note')).map(({ id }) => id)).toEqual(['note']);
  });
});

describe('export and import', () => {
  it('carries every record to another memory, and twice changes nothing', async () => {
    await memory.core.set('city', 'Oslo');
    await memory.core.set('city', 'Bergen');
    await memory.remember([
      { id: 'a', text: 'one', namespace: 'n' },
      { id: 'b', text: 'two', data: { x: [1] } },
    ]);
    const lines: string[] = [];
    for await (const line of memory.export()) lines.push(line);
    const other = openMemory({ store: ':memory:' });
    expect(await other.import(lines)).toEqual({ stored: 4, skipped: 0 });
    expect(await other.import(lines)).toEqual({ stored: 0, skipped: 4 });
    expect(await other.core.get('city')).toBe('Bergen');
    expect((await other.core.history('city')).map(({ value }) => value)).toEqual(['Oslo', 'Bergen']);
    const again: string[] = [];
    for await (const line of other.export()) again.push(line);
    expect(again.sort()).toEqual([...lines].sort());
    await other.close();
  });
});
