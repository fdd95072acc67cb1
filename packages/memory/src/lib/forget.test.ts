import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Memory } from './memory.ts';
import { openMemory } from './open-memory.ts';
import { openMemoryStore } from './store/open-memory-store.ts';
import type { RecordStore } from './store/record-store.ts';
import { runRecord } from './testing/run-record.ts';

let dir = '';
let memory: Memory;
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'genie-forget-'));
  memory = openMemory({ dir });
});
afterEach(async () => {
  await memory.close();
  await rm(dir, { recursive: true, force: true });
});

async function filesHolding(text: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  const holding: string[] = [];
  for (const entry of names.filter((one) => one.isFile())) {
    const content = await readFile(path.join(entry.parentPath, entry.name));
    if (content.includes(text)) holding.push(entry.name);
  }
  return holding;
}

const secret = 'The safe behind the zebra painting opens with 4711-ostrich';

describe('forget', () => {
  it('removes by id, query, source, time, subject and run', async () => {
    await memory.remember([
      { id: 'a', text: 'apples are cheap' },
      { id: 'b', text: 'bananas from the market', source: 'market' },
      { id: 'c', text: 'cherries in June', eventTime: '2026-06-01' },
      { id: 'd', text: 'dates and figs are dry' },
      { id: 'e', text: 'elderberries of the run', runId: 'run_5' },
      { id: 'keep', text: 'figs alone' },
    ]);
    await memory.knowledge.assert({ subject: 'Greta', relation: 'lives in', object: 'Ghent' });
    await memory.forget({ id: 'a' });
    await memory.forget({ source: 'market' });
    await memory.forget({ between: ['2026-05-31', '2026-06-02'] });
    await memory.forget({ query: 'dry figs' });
    await memory.forget({ runId: 'run_5' });
    await memory.forget({ subject: 'Greta' });
    expect((await memory.list()).map(({ id }) => id)).toEqual(['keep']);
  });

  it('shows in a dry run what would go, and leaves everything', async () => {
    await memory.remember([
      { id: 'a', text: 'one apple' },
      { id: 'b', text: 'one pear' },
    ]);
    const receipt = await memory.forget({ query: 'apple' }, { dryRun: true });
    expect(receipt).toMatchObject({ dryRun: true, ids: ['a'], counts: { associative: 1 } });
    expect(await memory.list()).toHaveLength(2);
  });

  it('refuses a selector that selects nothing in particular', async () => {
    await expect(memory.forget({})).rejects.toMatchObject({ code: 'GENIE_MEMORY_INPUT' });
    await expect(memory.forget({ query: 'the and of' })).rejects.toMatchObject({ code: 'GENIE_MEMORY_INPUT' });
  });

  it('leaves no byte of the text in any file: records, indexes, logs, working file', async () => {
    await memory.remember(Array.from({ length: 2_500 }, (_one, at) => ({ text: `filler number ${at} about nothing` })));
    await memory.learn(
      runRecord('run_1', [
        ['item-1', secret],
        ['item-2', 'Nothing special'],
      ]),
    );
    await memory.working.set('note', `remember: ${secret}`);
    await memory.working.set('other', 'stays');
    await memory.recall('zebra painting');
    await memory.close();
    memory = openMemory({ dir });
    expect((await memory.recall('zebra ostrich')).items[0]?.id).toBe('item-1');
    expect(await filesHolding('ostrich')).not.toEqual([]);
    const receipt = await memory.forget({ id: 'item-1' });
    expect(receipt.counts).toMatchObject({ working: 1, history: 1, associative: 1 });
    await memory.close();
    expect(await filesHolding('ostrich')).toEqual([]);
    expect(await filesHolding('zebra')).toEqual([]);
    memory = openMemory({ dir });
    expect((await memory.recall('zebra ostrich painting')).items).toEqual([]);
    expect(await memory.working.get('other')).toBe('stays');
    expect(JSON.stringify(await memory.history.read('run_1'))).not.toContain('ostrich');
    expect((await memory.history.read('run_1')) as object).toMatchObject({ redacted: true, steps: 2 });
  });

  it('does not bring it back when the same source is learnt, imported or remembered again', async () => {
    const lines: string[] = [];
    await memory.learn(runRecord('run_1', [['item-1', secret]]));
    for await (const line of memory.export()) lines.push(line);
    await memory.forget({ query: 'zebra safe' });
    await memory.learn(runRecord('run_2', [['item-1', `${secret}, says the feed`]]));
    await memory.learn(runRecord('run_3', [['item-4', `  ${secret.toUpperCase()} `]]));
    await memory.import(lines);
    expect((await memory.recall('zebra')).items).toEqual([]);
    const [again] = await memory.remember({ text: 'zebra crossing closed', source: 'news', id: 'n' });
    expect(again).toEqual({ id: 'n', status: 'stored' });
  });

  it('removes the log of a run that is forgotten as a whole', async () => {
    await memory.learn(runRecord('run_1', [['item-1', secret]]));
    await memory.learn(runRecord('run_2', [['item-2', 'something else']]));
    await memory.forget({ runId: 'run_1' });
    await memory.close();
    memory = openMemory({ dir });
    expect((await memory.history.list()).map(({ runId }) => runId)).toEqual(['run_2']);
    expect(await memory.episodes.count()).toBe(1);
    expect(await filesHolding('ostrich')).toEqual([]);
  });

  it.each([
    { text: 'the SAFE opens: with 4711!', source: 'chat/1', speaker: 'Bo' },
    { text: '  The safe opens\nwith 4711.  ', source: 'chat/1' },
    { id: 'other', text: 'The safe opens with 4711', source: 'chat/1', idempotencyKey: 'new' },
  ])('does not learn %o again from the same source', async (again) => {
    await memory.remember({ text: 'The safe opens with 4711', source: 'chat/1', speaker: 'Ann' });
    await memory.forget({ source: 'chat/1' });
    expect((await memory.remember(again))[0]?.status).toBe('forgotten');
    expect((await memory.remember({ ...again, source: 'chat/2' }))[0]?.status).toBe('stored');
    await memory.remember({ id: 'yes', text: 'Yes', source: 'chat/3', speaker: 'Ann' });
    await memory.forget({ id: 'yes' });
    expect((await memory.remember({ text: 'Yes', source: 'chat/3', speaker: 'Bo' }))[0]?.status).toBe('stored');
  });

  it('lets a person restore it on purpose', async () => {
    await memory.remember({ id: 'a', text: secret });
    await memory.forget({ id: 'a' });
    expect(await memory.remember({ id: 'a', text: secret })).toEqual([{ id: 'a', status: 'forgotten' }]);
    expect(await memory.remember({ id: 'a', text: secret, restore: true })).toEqual([{ id: 'a', status: 'stored' }]);
    expect((await memory.recall('zebra')).items).toHaveLength(1);
  });

  it.each<[string, (other: Memory) => Promise<unknown>]>([
    ['replaces the text', (other) => other.remember({ id: 'i1', text: 'Nothing was seen' })],
    ['forgets something else of the run', (other) => other.forget({ id: 'i2' })],
  ])('takes all of it although another process %s in between', async (name, meanwhile) => {
    const store = await openMemoryStore();
    const other = openMemory({ store });
    let isFirst = true;
    const commit: RecordStore['commit'] = async (batch, options) => {
      if (isFirst && batch.remove) {
        isFirst = false;
        await meanwhile(other);
      }
      return store.commit(batch, options);
    };
    const own = openMemory({ store: { ...store, commit } });
    await own.learn(
      runRecord('run_1', [
        ['i1', 'We saw Quetzal Bird near Oslo'],
        ['i2', 'We saw Walrus Bull near Oslo'],
      ]),
    );
    expect((await own.forget({ id: 'i1' })).ids).toContain('i1');
    const records = await own.list(undefined, { status: ['live', 'superseded', 'merged'] });
    expect(JSON.stringify(records)).toContain('episode:run_1');
    expect(JSON.stringify(records)).not.toContain('Quetzal');
    expect(JSON.stringify(records.find(({ tier }) => tier === 'episodic')?.data)).not.toContain('i1');
    if (name.startsWith('forgets')) expect(JSON.stringify(records)).not.toMatch(/Walrus|i2/);
    await own.close();
    await other.close();
  });

  it('takes older versions, patterns, summaries and roll-back data with it', async () => {
    await memory.remember({ id: 'a', text: `${secret} first` });
    await memory.remember({ id: 'a', text: `${secret} second` });
    await memory.remember([
      { id: 'x', text: 'milk must be paid by 2031-05-05' },
      { id: 'y', text: 'milk must be paid by 2031-05-05' },
    ]);
    const { operationId } = await memory.consolidate();
    expect(await memory.patterns.list()).not.toEqual([]);
    await memory.forget({ ids: ['a', 'x', 'y'] });
    expect(await memory.rollBack(operationId ?? '')).toBe(0);
    expect(await memory.list(undefined, { status: ['live', 'superseded', 'merged'] })).toEqual([]);
    expect((await memory.verify()).problems).toEqual([]);
    await memory.close();
    expect(await filesHolding('ostrich')).toEqual([]);
    expect(await filesHolding('milk')).toEqual([]);
    memory = openMemory({ dir });
  });

  it('keeps one of many for ever gone: none of 500 forgotten memories comes back by any read', async () => {
    const items = Array.from({ length: 1_000 }, (_one, at) => ({
      id: `m${at}`,
      text: `memory ${at} about topic${at % 10}`,
      source: `s${at % 2}`,
    }));
    await memory.remember(items);
    await memory.recall('topic1');
    await memory.forget({ source: 's1' });
    await memory.remember(items);
    await memory.reindex();
    const found = await Promise.all(
      Array.from({ length: 10 }, (_one, at) => memory.recall(`topic${at}`, { k: 1_000, asOf: Date.now() + 1 })),
    );
    const back = [...found.flatMap(({ items: hits }) => hits), ...(await memory.list())].filter(
      ({ id }) => Number(id.slice(1)) % 2 === 1,
    );
    expect(back).toEqual([]);
    expect(await memory.list()).toHaveLength(500);
  });
});
