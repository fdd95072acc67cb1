import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FileJournal, openJournal } from './file-journal.ts';
import type { JournalRecord } from './journal.ts';
import { listSegments } from './segment.ts';

describe('compacting a file journal', () => {
  it('drops the oldest closed runs and gives their space back; open runs and their records stay', async () => {
    const dir = folder();
    const journal = await filled(dir);
    const before = sizeOf(dir);
    expect(await journal.compact({ keepClosedRuns: 5 })).toBe(25);
    expect(sizeOf(dir)).toBeLessThan(before * 0.6);
    await expectKept(journal);
    expect(await journal.compact({ keepClosedRuns: 5 })).toBe(0);
    await journal.close();
    await expectKept(reopen(dir));
  });

  it('compacts itself as it grows, and drops nothing that is kept', async () => {
    const dir = folder();
    const journal = openJournal({ dir, segmentBytes: 2_000, retention: { keepClosedRuns: 10 } });
    onTestFinished(() => journal.close());
    const first = await journal.open('first');
    first.append({ kind: 'opened', at: 1, meta: {} });
    for (let index = 0; index < 400; index += 1) {
      const run = await journal.open(`run_${index}`);
      run.append({ kind: 'opened', at: 2 + index, meta: {} });
      run.append(record(index));
      run.append({ kind: 'closed', at: 2 + index, status: 'completed', outcome: {} });
      run.release();
      if (index % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const kept = (await journal.list()).map((run) => run.runId);
    expect(kept.length).toBeLessThan(300);
    expect(kept).toContain('first');
    expect(kept.slice(-10)).toEqual(Array.from({ length: 10 }, (_, index) => `run_${390 + index}`));
    for (const runId of kept.slice(1)) expect(await journal.read(runId)).toHaveLength(3);
  });

  it('drops closed runs by age', async () => {
    const journal = await filled(folder(), 100 * 24 * 60 * 60 * 1000);
    expect(await journal.compact()).toBe(30);
    expect((await journal.list()).map((run) => run.status)).toEqual(['open', 'open', 'open']);
  });

  it('goes on writing to runs that it moved', async () => {
    const dir = folder();
    const journal = await filled(dir);
    const open = await journal.open('open_1');
    await journal.compact({ keepClosedRuns: 0 });
    open.append(record('later'));
    await journal.close();
    expect((await reopen(dir).open('open_1')).recorded.map(outputOf)).toEqual([
      'opened',
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      'later',
    ]);
  });

  it('may be interrupted between any two files: what has to stay is there, and the next compaction finishes', async () => {
    const before = folder();
    const after = folder();
    await (await filled(before)).close();
    fs.cpSync(before, after, { recursive: true });
    const compacted = reopen(after);
    await compacted.compact({ keepClosedRuns: 5 });
    await compacted.close();
    for (const state of interruptions(before, after)) {
      const journal = reopen(state.dir);
      await expectKept(journal, state.what);
      await journal.compact({ keepClosedRuns: 5 });
      await expectKept(journal, state.what);
      expect((await journal.list()).map((run) => run.status)).not.toContain('damaged');
      await journal.close();
    }
  });
});

/** 30 closed runs among 3 that stay open, over many segments. */
async function filled(dir: string, age = 0): Promise<FileJournal> {
  let now = 1_000;
  const journal = openJournal({ dir, segmentBytes: 1_500, now: () => now });
  onTestFinished(() => journal.close());
  const open = await Promise.all([1, 2, 3].map((index) => journal.open(`open_${index}`)));
  for (const run of open) run.append({ kind: 'opened', at: 1, meta: {} });
  for (let index = 0; index < 30; index += 1) {
    if (index % 3 === 0) for (const run of open) run.append(record(index / 3));
    const run = await journal.open(`closed_${index}`);
    run.append({ kind: 'opened', at: 500 + index, meta: {} });
    run.append(record('x'.repeat(50)));
    run.append({ kind: 'closed', at: 500 + index, status: 'completed', outcome: {} });
    run.release();
  }
  for (const run of open) run.release();
  // What it has compacted by itself so far dropped nothing.
  await new Promise((resolve) => setTimeout(resolve, 100));
  now += age;
  return journal;
}

async function expectKept(journal: FileJournal, what = 'kept'): Promise<void> {
  for (const name of ['open_1', 'open_2', 'open_3']) {
    const run = await journal.open(name);
    run.release();
    expect(run.recorded.map(outputOf), `${what}: ${name}`).toEqual(['opened', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }
  for (let index = 25; index < 30; index += 1) {
    expect(await journal.read(`closed_${index}`), `${what}: closed_${index}`).toHaveLength(3);
  }
}

/** Each state a crash can leave: some files are new already, the next one is half-way, its index still the old one. */
function interruptions(before: string, after: string): { readonly what: string; readonly dir: string }[] {
  const states: { readonly what: string; readonly dir: string }[] = [];
  const segments = listSegments(before);
  for (const done of segments) {
    for (const isIndexNew of [false, true]) {
      const dir = folder();
      fs.cpSync(before, dir, { recursive: true });
      for (const segment of segments.filter((one) => one <= done)) {
        const name = String(segment).padStart(8, '0');
        take(after, dir, `${name}.gj`);
        if (segment < done || isIndexNew) take(after, dir, `${name}.index`);
      }
      fs.writeFileSync(join(dir, `${String(done + 1).padStart(8, '0')}.gj.tmp`), 'half');
      states.push({ what: `segments up to ${done}, index ${isIndexNew ? 'new' : 'old'}`, dir });
    }
  }
  return states;
}

function take(from: string, to: string, name: string): void {
  fs.rmSync(join(to, name), { force: true });
  if (fs.existsSync(join(from, name))) fs.cpSync(join(from, name), join(to, name));
}

function reopen(dir: string): FileJournal {
  fs.rmSync(join(dir, 'lease'), { recursive: true, force: true });
  const journal = openJournal({ dir, segmentBytes: 1_500, now: () => 1_000 });
  onTestFinished(() => journal.close());
  return journal;
}

function record(output: number | string): JournalRecord {
  return { kind: 'result', callId: 'call-1', status: 'completed', output, tookMs: 1 };
}

function outputOf(one: JournalRecord): unknown {
  return one.kind === 'result' ? one.output : one.kind;
}

function sizeOf(dir: string): number {
  return fs
    .readdirSync(dir)
    .filter((name) => name.endsWith('.gj'))
    .reduce((sum, name) => sum + fs.statSync(join(dir, name)).size, 0);
}

function folder(): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-compact-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}
