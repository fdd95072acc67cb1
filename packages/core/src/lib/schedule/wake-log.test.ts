import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWakeLog, readWakes } from './wake-log.ts';
import { recordsToText, type WakeRecord, wakeIdOf } from './wake-records.ts';

const dueAt = Date.UTC(2026, 0, 5, 7);
const id = wakeIdOf(dueAt);
const records: readonly WakeRecord[] = [
  { kind: 'armed', at: dueAt - 1_000, cron: '0 7 * * *', timezone: 'UTC' },
  { kind: 'missed', id: 'wake_1', at: dueAt, dueAt, lateMs: 5, action: 'skipped' },
  { kind: 'fired', id, at: dueAt, dueAt, lateMs: 0 },
  { kind: 'done', id, at: dueAt, status: 'failed', error: { code: 'GENIE_SCHEDULE_WAKE', message: 'ü' } },
  { kind: 'missed-many', at: dueAt, from: 1, to: 2 },
];

describe('openWakeLog', () => {
  let dir: string;
  let path: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'genie-wakes-'));
    path = join(dir, 'wakes.jsonl');
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('keeps records over a restart, readable by their owner only', async () => {
    const log = await openWakeLog({ dir: join(dir, 'schedule') });
    expect(log.records).toEqual([]);
    await Promise.all([log.append(records.slice(0, 2)), log.append(records.slice(2))]);
    expect((await openWakeLog({ dir: join(dir, 'schedule') })).records).toEqual(records);
    expect(await readWakes({ dir: join(dir, 'schedule') })).toEqual(records);
    expect(await readWakes({ dir: join(dir, 'nowhere') })).toEqual([]);
    if (process.platform !== 'win32') {
      expect((await stat(join(dir, 'schedule', 'wakes.jsonl'))).mode & 0o077).toBe(0);
    }
  });

  it('reads the stored format of version 1', async () => {
    await writeFile(
      path,
      `{"format":1,"kind":"armed","at":1767596400000,"cron":"0 7 * * *","timezone":"UTC"}
{"format":1,"kind":"fired","id":"wake_20260105T070000Z","at":1767596400004,"dueAt":1767596400000,"lateMs":4}
{"format":1,"kind":"done","id":"wake_20260105T070000Z","at":1767596400020,"status":"accepted"}
`,
    );
    expect((await readWakes({ dir })).map((record) => record.kind)).toEqual(['armed', 'fired', 'done']);
    expect(wakeIdOf(1767596400000)).toBe('wake_20260105T070000Z');
  });

  it('cut off at any byte it gives whole records only, and goes on after them', async () => {
    const text = Buffer.from(recordsToText(records));
    for (let length = 0; length < text.length; length += 1) {
      await writeFile(path, text.subarray(0, length));
      const log = await openWakeLog({ dir });
      const whole = text.subarray(0, length).filter((byte) => byte === 10).length;
      // A line is whole without its newline, too.
      expect([whole, whole + 1]).toContain(log.records.length);
      expect(log.records).toEqual(records.slice(0, log.records.length));
      await log.append([{ kind: 'missed-many', at: 9, from: 8, to: 9 }]);
      expect((await readWakes({ dir })).at(-1)).toEqual({ kind: 'missed-many', at: 9, from: 8, to: 9 });
    }
  });

  it('skips and counts what it does not understand', async () => {
    const strange = [
      'null',
      '[]',
      '{"format":2,"kind":"armed","at":1,"cron":"x","timezone":"UTC"}',
      '{"format":1,"kind":"constructor"}',
      '{"format":1,"kind":"fired","id":7,"at":1,"dueAt":1,"lateMs":0}',
      '\u0000\ufffd',
    ];
    await writeFile(path, `${strange.join('\n')}\n${recordsToText(records)}`);
    const log = await openWakeLog({ dir });
    expect([log.unreadable, log.records]).toEqual([strange.length, records]);
  });

  it('keeps the newest records and the last arming when it grew too long', async () => {
    const many = Array.from(
      { length: 3_000 },
      (_, index): WakeRecord => ({ kind: 'missed-many', at: index, from: 0, to: 0 }),
    );
    await writeFile(path, recordsToText([...records.slice(0, 1), ...many]));
    const log = await openWakeLog({ dir, maxBytes: 10_000 });
    expect(log.records).toEqual([records[0], ...many.slice(-2_000)]);
    await log.append(records.slice(1, 2));
    expect(await readWakes({ dir })).toEqual([...log.records, records[1]]);
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(2_003);
  });

  it('says which file failed', async () => {
    await writeFile(join(dir, 'file'), '');
    await expect(openWakeLog({ dir: join(dir, 'file') })).rejects.toMatchObject({
      code: 'GENIE_SCHEDULE_STORE',
      details: { path: join(dir, 'file', 'wakes.jsonl') },
    });
  });
});
