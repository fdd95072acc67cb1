import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJournal } from './file-journal.ts';
import { listRuns, readRun } from './inspect-runs.ts';
import { listSegments } from './segment.ts';

const fixture = join(import.meta.dirname, '../../../fixtures/journal-v1');
const expected = JSON.parse(fs.readFileSync(join(fixture, 'expected.json'), 'utf8')) as {
  readonly list: unknown;
  readonly runs: Readonly<Record<string, readonly unknown[]>>;
};

describe('journal format 1', () => {
  it('is read in full from a folder that an earlier version wrote', () => {
    expect(listRuns(fixture)).toEqual(expected.list);
    for (const [runId, records] of Object.entries(expected.runs)) expect(readRun(fixture, runId)).toEqual(records);
  });

  it('can be taken over and written on', async () => {
    const dir = fs.mkdtempSync(join(tmpdir(), 'genie-format-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
    fs.cpSync(fixture, dir, { recursive: true });
    const journal = openJournal({ dir });
    for (const [runId, records] of Object.entries(expected.runs)) {
      const run = await journal.open(runId);
      expect(run.recorded).toEqual(records);
      run.append({ kind: 'intent', callId: 'more', state: 'started' });
    }
    await journal.close();
    for (const [runId, records] of Object.entries(expected.runs))
      expect(readRun(dir, runId)).toHaveLength(records.length + 1);
  });

  it('is what this version writes, byte by byte: a change needs a new format number', async () => {
    const dir = fs.mkdtempSync(join(tmpdir(), 'genie-format-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
    const createdAt = Date.parse('2026-01-01T00:00:00Z');
    const journal = openJournal({ dir, now: () => createdAt });
    const run = await journal.open('run_done');
    for (const record of expected.runs.run_done ?? []) run.append(record as Parameters<typeof run.append>[0]);
    await journal.close();
    const [first = 0] = listSegments(fixture);
    const written = fs.readFileSync(join(dir, '00000001.gj'), 'utf8').split('\n');
    const known = new Set(fs.readFileSync(join(fixture, `${String(first).padStart(8, '0')}.gj`), 'utf8').split('\n'));
    expect(written.slice(0, 4).filter((line) => !known.has(line))).toEqual([]);
  });
});
