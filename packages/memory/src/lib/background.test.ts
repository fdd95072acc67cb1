import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drainHistory } from './background.ts';
import { sampleRecord } from './conformance/sample-record.ts';
import { createMutex } from './create-mutex.ts';
import { openMemoryStore } from './store/open-memory-store.ts';
import type { RecordBatch } from './store/record-store.ts';
import { openHistory } from './tiers/history.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'genie-background-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('drainHistory', () => {
  it.each<[string, RecordBatch, unknown]>([
    [
      'part of a run',
      { namespace: 'n', enqueue: [{ id: 'history:run', kind: 'history', payload: '{"text":"redacted"}' }] },
      { text: 'redacted' },
    ],
    ['a run', { namespace: 'n', dequeue: ['history:run'], remove: ['episode:run'] }, undefined],
    ['nothing, and wrote the log first', { namespace: 'n', dequeue: ['history:run'] }, { text: 'walrus' }],
  ])('leaves a log as it should be when another process forgets %s while it is written', async (_name, batch, left) => {
    const store = await openMemoryStore();
    const files = openHistory(dir);
    const put = [sampleRecord('episode:run', { namespace: 'n', tier: 'episodic' })];
    await store.commit({
      namespace: 'n',
      put,
      enqueue: [{ id: 'history:run', kind: 'history', payload: '{"text":"walrus"}' }],
    });
    let isFirst = true;
    const write: typeof files.write = async (runId, json) => {
      if (isFirst) await store.commit(batch);
      isFirst = false;
      await files.write(runId, json);
    };
    await drainHistory({ store, history: { ...files, write }, historyMutex: createMutex() }, 'n');
    expect(await files.read('run')).toEqual(left);
    expect(await store.outbox('n', 9)).toEqual([]);
    await store.close();
  });
});
