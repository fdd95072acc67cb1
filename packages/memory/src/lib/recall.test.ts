import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleRecord } from './conformance/sample-record.ts';
import type { Memory, MemoryInput, MemoryRecallOptions } from './memory.ts';
import { openMemory } from './open-memory.ts';
import { LexicalIndex } from './rank/lexical-index.ts';
import { modifierFor } from './rank/rank.ts';

let memory: Memory;
beforeEach(() => {
  memory = openMemory({ store: ':memory:' });
});
afterEach(() => memory.close());

const ids = async (query: string, options?: MemoryRecallOptions): Promise<string[]> =>
  (await memory.recall(query, options)).items.map(({ id }) => id);

const talk: MemoryInput[] = [
  { id: '1:1', speaker: 'Mara', eventTime: '2024-02-01T18:00', source: 'talk/1', text: 'Hi Joel, how was your week?' },
  {
    id: '1:2',
    speaker: 'Joel',
    eventTime: '2024-02-01T18:00',
    source: 'talk/1',
    text: 'Busy! I picked up my old cello again.',
  },
  {
    id: '1:3',
    speaker: 'Mara',
    eventTime: '2024-02-01T18:00',
    source: 'talk/1',
    text: 'I tried pottery, my first bowl looks like a hat.',
  },
  {
    id: '2:1',
    speaker: 'Joel',
    eventTime: '2024-05-20T18:00',
    source: 'talk/2',
    text: 'We came back from the mountains last weekend.',
  },
  { id: '2:2', speaker: 'Mara', eventTime: '2024-05-20T18:00', source: 'talk/2', text: 'Where did you sleep?' },
  {
    id: '2:3',
    speaker: 'Joel',
    eventTime: '2024-05-20T18:00',
    source: 'talk/2',
    text: 'In a small tent by the river, the kids loved it.',
  },
  {
    id: '2:4',
    speaker: 'Mara',
    eventTime: '2024-05-20T18:00',
    source: 'talk/2',
    text: 'I started running, ten kilometres yesterday.',
  },
];

describe('recall', () => {
  beforeEach(async () => {
    await memory.remember(talk);
  });

  it('finds an example when asked for its kind', async () => {
    expect((await ids('Which instrument does Joel play?'))[0]).toBe('1:2');
  });

  it('prefers what the person asked about said', async () => {
    expect((await ids('What sport did Mara start?'))[0]).toBe('2:4');
    const [first] = (await memory.recall('What did Joel do?')).items;
    expect(first?.provenance.speaker).toBe('Joel');
  });

  it('finds an answer through the question before it', async () => {
    expect((await ids('Where did Joel sleep?')).slice(0, 2)).toContain('2:3');
  });

  it('resolves the date in the question, also without a shared word', async () => {
    expect((await ids('What happened in February 2024?', { k: 3 })).every((id) => id.startsWith('1:'))).toBe(true);
    expect(
      (await ids('What did Joel say last month?', { k: 2, now: '2024-06-10' })).every((id) => id.startsWith('2:')),
    ).toBe(true);
  });

  it('explains each score by named parts', async () => {
    const [item] = (await memory.recall('Joel cello 2024', { explain: true })).items;
    expect(Object.keys(item?.why ?? {}).sort()).toEqual([
      'bm25',
      'date',
      'form',
      'importance',
      'proximity',
      'recency',
      'session',
      'speaker',
    ]);
    expect(item?.provenance).toMatchObject({ source: 'talk/1', eventTime: Date.UTC(2024, 1, 1, 18) });
  });

  it('filters by speaker, kind, time and namespace', async () => {
    await memory.remember({ id: 'n', text: 'The cello needs strings', kind: 'note' });
    await memory.remember({ id: 'other', text: 'cello', namespace: 'elsewhere' });
    expect(await ids('cello', { speakers: ['JOEL'] })).toEqual(expect.not.arrayContaining(['n']));
    expect(await ids('cello', { kinds: ['finding'] })).toEqual([]);
    expect((await ids('cello', { kinds: ['associative'] }))[0]).toBeDefined();
    expect(await ids('running cello', { between: ['2024-05-01', '2024-06-01'] })).toEqual(
      expect.not.arrayContaining(['1:2', 'n']),
    );
    expect(await ids('cello', { namespace: 'elsewhere' })).toEqual(['other']);
    await expect(memory.recall('x', { between: ['2024-06-01', '2024-05-01'] })).rejects.toMatchObject({
      code: 'GENIE_MEMORY_INPUT',
    });
  });

  it('adds neighbours of the same session when asked', async () => {
    const [item] = (await memory.recall('old cello', { k: 1, neighbours: 1 })).items;
    expect(item?.neighbours?.map(({ id }) => id)).toEqual(['1:1', '1:3']);
  });

  it('keeps to the token budget', async () => {
    const { items } = await memory.recall('Joel Mara cello tent bowl running mountains', { tokenBudget: 20 });
    expect(items.length).toBeGreaterThan(0);
    expect(items.reduce((sum, { text }) => sum + text.length / 4, 0)).toBeLessThanOrEqual(20);
  });

  it('answers as of a moment with what it held then', async () => {
    const times = [1_000, 2_000, 3_000];
    const clocked = openMemory({
      store: ':memory:',
      clock: { now: () => times[0] ?? 0, elapsed: () => performance.now(), schedule: () => () => undefined },
    });
    await clocked.remember({ id: 'a', text: 'The meeting is on Tuesday' });
    times.shift();
    await clocked.remember({ id: 'a', text: 'The meeting is on Thursday' });
    times.shift();
    const textsAt = async (asOf?: number): Promise<string[]> =>
      (await clocked.recall('meeting', asOf === undefined ? {} : { asOf })).items.map(({ text }) => text);
    expect(await textsAt()).toEqual(['The meeting is on Thursday']);
    expect(await textsAt(1_500)).toEqual(['The meeting is on Tuesday']);
    expect(await textsAt(500)).toEqual([]);
    await clocked.close();
  });

  it('sees what another process wrote', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'genie-two-'));
    const one = openMemory({ dir });
    const two = openMemory({ dir });
    await one.remember({ id: 'a', text: 'walrus' });
    expect((await two.recall('walrus')).items).toHaveLength(1);
    await one.remember({ id: 'b', text: 'walrus again' });
    await one.forget({ id: 'a' });
    expect((await two.recall('walrus')).items.map(({ id }) => id)).toEqual(['b']);
    await one.close();
    await two.close();
    await rm(dir, { recursive: true });
  });

  it('takes any query: FTS operators, quotes, SQL, control characters, 10 MB', async () => {
    for (const query of [
      '"',
      'a AND NOT (',
      'NEAR(x y)',
      "'; DROP TABLE records; --",
      '*',
      '\u0000',
      '',
      '   ',
      'text:x',
      '{"$ne":1}',
      '\ud800',
    ]) {
      await expect(memory.recall(query)).resolves.toMatchObject({ items: expect.anything() });
    }
    const startedAt = performance.now();
    await memory.recall('cello '.repeat(2_000_000));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await memory.list()).toHaveLength(talk.length);
    await expect(memory.recall('x', { k: 0 })).rejects.toMatchObject({ code: 'GENIE_MEMORY_INPUT' });
  });

  it('never answers with another namespace, whatever is asked', async () => {
    await memory.remember({ id: 'secret', text: 'unicorn', namespace: 'private' });
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        const { items } = await memory.recall(`unicorn ${text}`, {
          namespace: text === '' || text === 'private' ? 'x' : text,
        });
        expect(items).toEqual([]);
      }),
      { numRuns: 100 },
    );
    expect((await memory.rag('private').query('unicorn')).items.map(({ id }) => id)).toEqual(['secret']);
  });
});

describe('modifierFor', () => {
  it('stays within 0.7 and 1.3 whatever the importance, age and use', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: -1e13, max: 1e13 }),
        fc.integer({ min: 0, max: 1e6 }),
        (importance, eventTime, uses) => {
          const index = new LexicalIndex();
          index.put({ ...sampleRecord('a', { importance, eventTime }), seq: 1, revision: 1 });
          const value = modifierFor(0, { index, now: Date.UTC(2026, 0, 1), accesses: new Map([['a', uses]]) });
          expect(value).toBeGreaterThanOrEqual(0.7);
          expect(value).toBeLessThanOrEqual(1.3);
        },
      ),
    );
  });
});

describe('LexicalIndex', () => {
  it('answers the same after any order of changes as one that is built fresh', async () => {
    const change = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      text: fc.constantFrom('red apple', 'green apple', 'red pear', 'plum', 'red red plum'),
      gone: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
        const live = openMemory({ store: ':memory:' });
        for (const { id, text, gone } of changes) {
          if (gone) await live.forget({ id });
          else await live.remember({ id, text, restore: true });
          await live.recall('red');
        }
        const before = (await live.recall('red apple plum', { k: 20 })).items
          .map(({ id, text }) => `${id}:${text}`)
          .sort();
        await live.reindex();
        const after = (await live.recall('red apple plum', { k: 20 })).items
          .map(({ id, text }) => `${id}:${text}`)
          .sort();
        const truth = (await live.list())
          .filter(({ text }) => /red|apple|plum/.test(text))
          .map(({ id, text }) => `${id}:${text}`)
          .sort();
        expect(before).toEqual(truth);
        expect(after).toEqual(truth);
        await live.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('the index cache', () => {
  it('is used when it fits and rebuilt when it is damaged, missing or of another store', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'genie-cache-'));
    const items = Array.from({ length: 2_100 }, (_one, at) => ({ id: `m${at}`, text: `walrus ${at}` }));
    const first = openMemory({ dir });
    await first.remember(items);
    await first.recall('walrus');
    await first.close();
    const folder = path.join(dir, 'vectors');
    const name = (await readdir(folder)).find((one) => one.endsWith('.words')) ?? '';
    const good = await readFile(path.join(folder, name));
    const check = async (): Promise<void> => {
      const later = openMemory({ dir });
      expect((await later.recall('walrus 77', { k: 1 })).items[0]?.id).toBe('m77');
      expect((await later.recall('walrus late', { k: 1 })).items[0]?.id).toBe('late');
      await later.close();
    };
    const between = openMemory({ dir });
    await between.remember({ id: 'late', text: 'late walrus' });
    await between.close();
    await check();
    for (const bad of [good, good.subarray(0, 1_000), Buffer.alloc(0), Buffer.from(good).fill(7, 2_000, 2_010)]) {
      await writeFile(path.join(folder, name), bad);
      await check();
    }
    await rm(folder, { recursive: true });
    await check();
    await rm(dir, { recursive: true });
  });
});

describe('remember', () => {
  it('keeps every version when many write the same id at once', async () => {
    await Promise.all(Array.from({ length: 5 }, (_one, at) => memory.remember({ id: 'a', text: `version ${at}` })));
    const versions = await memory.list(undefined, { status: ['live', 'superseded'] });
    expect(versions.map(({ text }) => text).sort()).toEqual(Array.from({ length: 5 }, (_one, at) => `version ${at}`));
    expect(versions.filter(({ status }) => status === 'live')).toHaveLength(1);
  });

  it('answers duplicates with the id that holds the memory', async () => {
    expect(await memory.remember({ id: 'a', text: 'x', idempotencyKey: 'k' })).toEqual([{ id: 'a', status: 'stored' }]);
    expect(await memory.remember({ id: 'b', text: 'y', idempotencyKey: 'k' })).toEqual([
      { id: 'a', status: 'duplicate' },
    ]);
    expect(
      await memory.remember([
        { id: 'a', text: 'x' },
        { id: 'a', text: 'z' },
      ]),
    ).toEqual([
      { id: 'a', status: 'duplicate' },
      { id: 'a', status: 'replaced' },
    ]);
  });
});
