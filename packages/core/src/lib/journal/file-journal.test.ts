import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FileJournal, type FileJournalOptions, openJournal } from './file-journal.ts';
import { listRuns, readRun } from './inspect-runs.ts';
import type { Journal, JournalRecord } from './journal.ts';
import { maxRecordBytes, writeRecord } from './record-codec.ts';
import { RunIdFilter } from './run-id-filter.ts';
import { indexPath, type LiveRuns, listSegments, loadSegment, segmentPath } from './segment.ts';

describe('openJournal', () => {
  it('reads back every run after a reopening, whatever was recorded and however runs interleave', async () => {
    const step = fc.record({ run: fc.nat(4), output: fc.jsonValue({ stringUnit: 'binary' }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 200, max: 3_000 }),
        async (steps, segmentBytes) => {
          const dir = folder();
          const journal = openJournal({ dir, segmentBytes });
          const runs = await Promise.all([0, 1, 2, 3, 4].map((index) => journal.open(`run_${index}`)));
          const expected: JournalRecord[][] = [[], [], [], [], []];
          for (const { run, output } of steps) {
            const record = JSON.parse(JSON.stringify(result(output))) as JournalRecord;
            runs[run]?.append(record);
            expected[run]?.push(record);
          }
          await journal.close();
          const again = open(dir);
          for (const [index, records] of expected.entries()) {
            expect((await again.open(`run_${index}`)).recorded).toEqual(records);
            expect(readRun(dir, `run_${index}`)).toEqual(records);
          }
          await again.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('loses nothing that was appended when its process goes without closing', async () => {
    const dir = folder();
    const journal = open(dir);
    const run = await journal.open('run_1');
    for (let index = 0; index < 20; index += 1) run.append(result(index));
    // Nothing is closed or awaited: what a killed process leaves is what is in the files now.
    expect(readRun(copyOf(dir), 'run_1')).toHaveLength(20);
  });

  it('cuts off a torn tail and goes on behind the last whole record', async () => {
    const dir = await recorded(5);
    const path = segmentPath(dir, 1);
    fs.appendFileSync(path, 'deadbeef 000000ff run_1 5 - {"kind":"resu');
    const journal = open(dir);
    expect(journal.tornBytes).toBe(41);
    const run = await journal.open('run_1');
    expect(run.recorded).toHaveLength(5);
    run.append(result('after'));
    await journal.close();
    expect(readRun(dir, 'run_1')).toHaveLength(6);
  });

  it('is readable when cut at any place: a prefix of each run is recovered and written on', async () => {
    const dir = await recorded(6);
    const bytes = fs.readFileSync(segmentPath(dir, 1));
    for (let cut = 0; cut < bytes.length; cut += 7) {
      const copy = folder();
      fs.writeFileSync(segmentPath(copy, 1), bytes.subarray(0, cut));
      const journal = openJournal({ dir: copy });
      const run = await journal.open('run_1');
      expect(run.recorded).toEqual(Array.from({ length: run.recorded.length }, (_, index) => result(index)));
      run.append(result('new'));
      const known = run.recorded.length;
      await journal.close();
      expect(readRun(copy, 'run_1')).toHaveLength(known + 1);
    }
  });

  it('never gives out a changed record when a bit flips: the run is damaged or shorter', async () => {
    const dir = await recorded(6, 'other', 'tail');
    const bytes = fs.readFileSync(segmentPath(dir, 1));
    let damaged = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 61) {
      const copy = folder();
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      fs.writeFileSync(segmentPath(copy, 1), changed);
      const journal = openJournal({ dir: copy });
      try {
        const { recorded: found } = await journal.open('run_1');
        expect(found).toEqual(Array.from({ length: found.length }, (_, index) => result(index)));
      } catch (error) {
        expect(error).toMatchObject({ code: 'GENIE_JOURNAL_DAMAGED' });
        damaged += 1;
      }
      await journal.close();
    }
    expect(damaged).toBeGreaterThan(0);
  });

  it('seals a segment at its size and indexes it', async () => {
    const dir = await recorded(40, { segmentBytes: 600 });
    const segments = listSegments(dir);
    expect(segments.length).toBeGreaterThan(5);
    for (const segment of segments.slice(0, -1)) expect(fs.existsSync(indexPath(dir, segment))).toBe(true);
    expect((await open(dir).open('run_1')).recorded).toHaveLength(40);
  });

  it.each(['missing', 'truncated', 'of another segment', 'with a flipped bit', 'of a future format'])(
    'does without an index that is %s',
    async (state) => {
      const dir = await recorded(40, { segmentBytes: 600 });
      for (const segment of listSegments(dir).slice(0, -1)) spoilIndex(dir, segment, state);
      expect((await open(dir).open('run_1')).recorded).toHaveLength(40);
    },
  );

  it('notices a lost record of a sealed segment, also when it was the last of its run there', async () => {
    const dir = folder();
    const journal = openJournal({ dir, segmentBytes: 300 });
    const first = await journal.open('run_1');
    first.append(result(0));
    first.append(result(1));
    const second = await journal.open('run_2');
    for (let index = 0; index < 10; index += 1) second.append(result(index));
    await journal.close();
    const bytes = fs.readFileSync(segmentPath(dir, 1));
    const at = bytes.indexOf('run_1 1 -');
    bytes[at + 12] = (bytes[at + 12] as number) ^ 1;
    fs.writeFileSync(segmentPath(dir, 1), bytes);
    await expect(open(dir).open('run_1')).rejects.toMatchObject({ code: 'GENIE_JOURNAL_DAMAGED' });
  });

  it('refuses a segment of a newer format and leaves it as it was', () => {
    const dir = folder();
    writeSegment(dir, 1, '- 0 h {"format":2,"segment":1,"createdAt":0}');
    const before = fs.readFileSync(segmentPath(dir, 1));
    expect(() => openJournal({ dir })).toThrow(expect.objectContaining({ code: 'GENIE_JOURNAL_VERSION' }));
    expect(fs.readFileSync(segmentPath(dir, 1))).toEqual(before);
    expect(fs.readdirSync(join(dir, 'lease'))).toHaveLength(1);
    // The lease was given back: an upgraded version can open at once.
    fs.rmSync(segmentPath(dir, 1));
    open(dir);
  });

  it('names the folder it cannot use', () => {
    const dir = join(folder(), 'taken');
    fs.writeFileSync(dir, 'a file');
    expect(() => openJournal({ dir })).toThrow(
      expect.objectContaining({ code: 'GENIE_JOURNAL_UNREADABLE', message: expect.stringContaining(dir) }),
    );
  });

  it.skipIf(process.getuid?.() === 0)('names the folder it may not write (needs a user that is not root)', () => {
    const dir = folder();
    fs.chmodSync(dir, 0o500);
    expect(() => openJournal({ dir })).toThrow(expect.objectContaining({ code: 'GENIE_JOURNAL_UNREADABLE' }));
  });

  it('gives a run to one holder at a time, and sees what the former one left unwritten', async () => {
    const journal = open(folder(), { durability: 'power' });
    // More than four open runs: writes are gathered and may still be pending when the run is opened again.
    const others = await Promise.all([1, 2, 3, 4, 5, 6].map((index) => journal.open(`other_${index}`)));
    const run = await journal.open('run_1');
    await expect(journal.open('run_1')).rejects.toMatchObject({ code: 'GENIE_RUN_OPEN' });
    run.append(result(0));
    expect(await journal.read('run_1')).toHaveLength(1);
    run.append(result(1));
    run.release();
    const again = await journal.open('run_1');
    expect(again.recorded).toHaveLength(2);
    for (const other of others) other.release();
  });

  it('removes what an interrupted compaction left half-made', async () => {
    const dir = await recorded(3);
    fs.writeFileSync(`${segmentPath(dir, 1)}.tmp`, 'half');
    open(dir);
    expect(fs.existsSync(`${segmentPath(dir, 1)}.tmp`)).toBe(false);
  });

  it.each(['process', 'power'] as const)('has an index of use for every sealed segment (%s)', async (durability) => {
    const dir = folder();
    const journal = open(dir, { segmentBytes: 2_000, durability });
    const run = await journal.open('run_1');
    for (let call = 0; call < 60; call += 1) run.append(result('x'.repeat(100)));
    await journal.close();
    const sealed = listSegments(dir).slice(0, -1);
    expect(sealed.length).toBeGreaterThan(2);
    // The runs come from the index alone: of the segment itself only the size is looked at.
    for (const segment of sealed) {
      const { size } = fs.statSync(segmentPath(dir, segment));
      fs.writeFileSync(segmentPath(dir, segment), Buffer.alloc(size));
      const live: LiveRuns = new Map();
      loadSegment(dir, segment, live, new RunIdFilter());
      expect([...live.keys()]).toEqual(['run_1']);
    }
  });

  it('goes on without an index when there is no room for one', async () => {
    const dir = folder();
    const journal = open(dir, { segmentBytes: 2_000 });
    fs.mkdirSync(indexPath(dir, 1));
    const run = await journal.open('run_1');
    for (let call = 0; call < 40; call += 1) run.append(result('x'.repeat(100)));
    await journal.close();
    expect(fs.existsSync(segmentPath(dir, 2))).toBe(true);
    expect((await open(dir).open('run_1')).recorded).toHaveLength(40);
  });

  it('knows its folder by an absolute path, whatever the working directory becomes', () => {
    const dir = folder();
    const journal = open(relative(process.cwd(), dir));
    expect(journal.directory).toBe(dir);
  });

  it('says so when it is used after close', async () => {
    const journal = openJournal({ dir: folder() });
    const run = await journal.open('run_1');
    await journal.close();
    await journal.close();
    expect(() => run.append(result(0))).toThrow(expect.objectContaining({ code: 'GENIE_JOURNAL_CLOSED' }));
    await expect(run.settled()).rejects.toMatchObject({ code: 'GENIE_JOURNAL_CLOSED' });
    await expect(journal.open('run_1')).rejects.toMatchObject({ code: 'GENIE_JOURNAL_CLOSED' });
  });

  it('writes a step in its own bytes, however long the run is', async () => {
    const dir = folder();
    const journal = open(dir, { segmentBytes: 1e9 });
    const run = await journal.open('run_1');
    const sizes: number[] = [];
    for (let step = 0; step < 500; step += 1) {
      run.append({ kind: 'answer', step, at: 1, content: [], finish: 'stop', usage });
      run.append(result('x'));
      sizes.push(fs.statSync(segmentPath(dir, 1)).size);
    }
    const first = (sizes[99] as number) - (sizes[49] as number);
    const last = (sizes[499] as number) - (sizes[449] as number);
    expect(last / first).toBeLessThan(1.05);
  });
});

describe('listRuns', () => {
  it('tells open, closed and damaged runs apart without owning the folder', async () => {
    const dir = folder();
    const journal = open(dir);
    for (const [index, ends] of [true, false].entries()) {
      const run = await journal.open(`run_${index}`);
      run.append({ kind: 'opened', at: index, meta: { goal: 'g' } });
      if (ends) run.append({ kind: 'closed', at: 9, status: 'completed', outcome: { text: 'done' } });
    }
    expect(listRuns(dir)).toEqual([
      {
        runId: 'run_0',
        status: 'closed',
        openedAt: 0,
        meta: { goal: 'g' },
        closed: { at: 9, status: 'completed', outcome: { text: 'done' } },
      },
      { runId: 'run_1', status: 'open', openedAt: 1, meta: { goal: 'g' } },
    ]);
    const copy = copyOf(dir);
    const bytes = fs.readFileSync(segmentPath(copy, 1));
    bytes[bytes.indexOf('run_1 0 o')] = 0x58;
    fs.writeFileSync(segmentPath(copy, 1), bytes);
    expect(listRuns(copy).map((run) => run.runId)).toEqual(['run_0']);
    expect(listRuns(join(dir, 'nowhere'))).toEqual([]);
  });
});

const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, modelCalls: 1 };

function result(output: unknown): JournalRecord {
  return { kind: 'result', callId: 'call-1', status: 'completed', output: output as never, tookMs: 1 };
}

function folder(): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-journal-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The files of a folder as a crash leaves them: without a living owner. */
function copyOf(dir: string): string {
  const copy = folder();
  fs.cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('lease') });
  return copy;
}

function open(dir: string, options: Partial<FileJournalOptions> = {}): FileJournal {
  const journal = openJournal({ dir, ...options });
  onTestFinished(() => journal.close());
  return journal;
}

/** A closed journal with `count` results of run_1; further names are runs that follow it. */
async function recorded(count: number, ...rest: (string | Partial<FileJournalOptions>)[]): Promise<string> {
  const dir = folder();
  const options = rest.find((one) => typeof one === 'object') as Partial<FileJournalOptions> | undefined;
  const journal: Journal = openJournal({ dir, now: () => 1, ...options });
  const run = await journal.open('run_1');
  for (let index = 0; index < count; index += 1) run.append(result(index));
  for (const name of rest) if (typeof name === 'string') (await journal.open(name)).append(result(name));
  await journal.close();
  return dir;
}

function writeSegment(dir: string, segment: number, ...bodies: readonly string[]): void {
  const target = Buffer.alloc(bodies.reduce((sum, body) => sum + maxRecordBytes(body.length), 0));
  let end = 0;
  for (const body of bodies) end = writeRecord(target, end, body);
  fs.writeFileSync(segmentPath(dir, segment), target.subarray(0, end));
}

function spoilIndex(dir: string, segment: number, state: string): void {
  const path = indexPath(dir, segment);
  const bytes = fs.readFileSync(path);
  if (state === 'missing') fs.rmSync(path);
  else if (state === 'truncated') fs.writeFileSync(path, bytes.subarray(0, bytes.length >> 1));
  else if (state === 'of another segment')
    fs.writeFileSync(segmentPath(dir, segment), `${fs.readFileSync(segmentPath(dir, segment))}\n`);
  else if (state === 'with a flipped bit')
    fs.writeFileSync(
      path,
      bytes.map((byte, at) => (at === bytes.length - 20 ? byte ^ 1 : byte)),
    );
  else fs.writeFileSync(path, bytes.toString().replace('"format":1', '"format":9'));
}
