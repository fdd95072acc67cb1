import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FileJournal, openJournal } from './file-journal.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { readRun } from './inspect-runs.ts';
import type { JournalRecord } from './journal.ts';

describe('writing a journal', () => {
  it('reports a full disk with its code, and keeps what was written before', async () => {
    const { dir, journal } = open({ ...nodeFileSystem, writeSync: fullAfter(2_000) });
    const run = await journal.open('run_1');
    let accepted = 0;
    expect(() => {
      for (; accepted < 1_000; accepted += 1) run.append(record(accepted));
    }).toThrow(
      expect.objectContaining({ code: 'GENIE_JOURNAL_FAILED', message: expect.stringContaining('disk is full') }),
    );
    // Nothing can be promised any more: the first failure stays.
    expect(() => run.append(record(0))).toThrow(expect.objectContaining({ code: 'GENIE_JOURNAL_FAILED' }));
    await expect(run.settled()).rejects.toMatchObject({ code: 'GENIE_JOURNAL_FAILED', details: { system: 'ENOSPC' } });
    await journal.close();
    const again = openJournal({ dir });
    expect((await again.open('run_1')).recorded).toEqual(Array.from({ length: accepted }, (_, index) => record(index)));
    await again.close();
  });

  it('goes on after a write that took only a part', async () => {
    const { dir, journal } = open({
      ...nodeFileSystem,
      writeSync: (descriptor, bytes, offset, length, position) =>
        nodeFileSystem.writeSync(descriptor, bytes, offset, Math.min(length, 7), position),
    });
    const run = await journal.open('run_1');
    for (let index = 0; index < 10; index += 1) run.append(record(index));
    await journal.close();
    expect(readRun(dir, 'run_1')).toHaveLength(10);
  });

  it('treats a failed fdatasync as the end: nothing is reported durable after it', async () => {
    let failing = false;
    const fdatasync = (descriptor: number) =>
      failing
        ? Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
        : nodeFileSystem.fdatasync(descriptor);
    const { journal } = open({ ...nodeFileSystem, fdatasync }, 'power');
    const run = await journal.open('run_1');
    run.append(record(0));
    await run.settled();
    failing = true;
    run.append(record(1));
    await expect(run.settled()).rejects.toMatchObject({ code: 'GENIE_JOURNAL_FAILED', details: { system: 'EIO' } });
    failing = false;
    // The kernel may have dropped the dirty pages and would say yes now; the journal must not.
    expect(() => run.append(record(2))).toThrow(expect.objectContaining({ code: 'GENIE_JOURNAL_FAILED' }));
    await expect(run.settled()).rejects.toMatchObject({ code: 'GENIE_JOURNAL_FAILED' });
  });

  it('never calls durable what a full disk refused while an earlier sync was under way', async () => {
    const disk = manualDisk();
    let isFull = false;
    const writeSync: FileSystem['writeSync'] = (...args) => {
      if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      return nodeFileSystem.writeSync(...args);
    };
    const { journal } = open({ ...disk.fileSystem, writeSync }, 'power');
    // So many runs that writes are gathered.
    const runs = await Promise.all(Array.from({ length: 6 }, (_, index) => journal.open(`run_${index}`)));
    runs[0]?.append(record(0));
    const settled = runs[0]?.settled();
    await disk.finishSync();
    await settled;
    runs[0]?.append(record(1));
    const before = runs[0]?.settled();
    runs[1]?.append(record(2));
    isFull = true;
    const refused = runs[1]?.settled();
    await disk.finishSync();
    await before;
    await expect(refused).rejects.toMatchObject({ code: 'GENIE_JOURNAL_FAILED', details: { system: 'ENOSPC' } });
    await expect(runs[2]?.settled()).rejects.toMatchObject({ code: 'GENIE_JOURNAL_FAILED' });
  });

  it('settles only with a sync that began after the append, and syncs the folder of a new segment', async () => {
    const disk = manualDisk();
    const { dir, journal } = open(disk.fileSystem, 'power');
    const run = await journal.open('run_1');
    run.append(record(0));
    const first = watch(run.settled());
    run.append(record(1));
    const second = watch(run.settled());
    await disk.finishSync();
    expect([first.done, second.done]).toEqual([true, false]);
    await disk.finishSync();
    expect(second.done).toBe(true);
    expect(disk.syncedFolders).toEqual([dir]);
    expect(run.settled()).toBeUndefined();
  });

  it('shares syncs among 1,000 runs: far fewer than steps', async () => {
    let syncs = 0;
    const fdatasync = (descriptor: number) => {
      syncs += 1;
      return nodeFileSystem.fdatasync(descriptor);
    };
    const { dir, journal } = open({ ...nodeFileSystem, fdatasync }, 'power');
    const steps = async (index: number) => {
      const run = await journal.open(`run_${index}`);
      for (let step = 0; step < 5; step += 1) {
        run.append(record(step));
        await run.settled();
      }
      run.release();
    };
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => steps(index)));
    expect(syncs).toBeLessThan(200);
    await journal.close();
    for (const index of [0, 499, 999]) expect(readRun(dir, `run_${index}`)).toHaveLength(5);
  });

  it('hands each record to the system at once for "process", also under many runs', async () => {
    const { dir, journal } = open(nodeFileSystem);
    for (let index = 0; index < 20; index += 1) {
      const run = await journal.open(`run_${index}`);
      run.append(record(index));
      expect(run.settled()).toBeUndefined();
      expect(readRun(dir, `run_${index}`)).toHaveLength(1);
    }
  });

  it('takes a record that is larger than its buffer', async () => {
    const { dir, journal } = open(nodeFileSystem);
    const run = await journal.open('run_1');
    const large = { ...record(0), output: 'ä'.repeat(3_000_000) } as JournalRecord;
    run.append(large);
    run.append(record(1));
    await journal.close();
    expect(readRun(dir, 'run_1')).toEqual([large, record(1)]);
  });

  it('leaves no preallocated space behind when it closes', async () => {
    const { dir, journal } = open(nodeFileSystem, 'power');
    const run = await journal.open('run_1');
    run.append(record(0));
    await run.settled();
    expect(fs.statSync(join(dir, '00000001.gj')).size).toBeGreaterThan(1_000_000);
    await journal.close();
    expect(fs.statSync(join(dir, '00000001.gj')).size).toBeLessThan(1_000);
  });
});

function record(index: number): JournalRecord {
  return { kind: 'result', callId: `call-${index}`, status: 'completed', output: index, tookMs: 1 };
}

function open(
  fileSystem: FileSystem,
  durability: 'process' | 'power' = 'process',
): { dir: string; journal: FileJournal } {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-writer-'));
  const journal = openJournal({ dir, durability, fileSystem });
  onTestFinished(async () => {
    await journal.close().catch(() => undefined);
    fs.rmSync(dir, { recursive: true, force: true });
  });
  return { dir, journal };
}

/** A disk with so much room: the write that would go beyond it takes what fits, the next one fails. */
function fullAfter(room: number): FileSystem['writeSync'] {
  return (descriptor, bytes, offset, length, position) => {
    if (position >= room) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    return nodeFileSystem.writeSync(descriptor, bytes, offset, Math.min(length, room - position), position);
  };
}

/** A disk whose syncs end when the test says so. */
function manualDisk() {
  const waiting: (() => void)[] = [];
  const syncedFolders: string[] = [];
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    fdatasync: () => new Promise((resolve) => waiting.push(resolve)),
    syncDirectory: async (path) => {
      syncedFolders.push(path);
    },
  };
  const finishSync = async () => {
    while (waiting.length === 0) await turn();
    waiting.shift()?.();
    await turn();
    await turn();
  };
  return { fileSystem, syncedFolders, finishSync };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function watch(promise: Promise<void> | undefined): { done: boolean } {
  const state = { done: promise === undefined };
  void promise?.then(() => {
    state.done = true;
  });
  return state;
}
