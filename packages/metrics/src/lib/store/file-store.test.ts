import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { binToValue, mergeRollups, percentileOfBins, rollupOf, valueToBin } from './day-rollup.ts';
import { openFileStore } from './file-store.ts';
import type { MetricsStore } from './metrics-store.ts';
import type { Observation } from './observation.ts';

let dir: string;
let opened: MetricsStore[] = [];
const start = Date.UTC(2026, 2, 2, 12);
const startDay = Math.floor(start / 86_400_000);

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'genie-file-store-'));
});
afterEach(async () => {
  for (const store of opened) await store.close();
  opened = [];
  rmSync(dir, { recursive: true, force: true });
});

function open(): ReturnType<typeof openFileStore> {
  const store = openFileStore({ dir, durability: 'process' });
  opened.push(store);
  return store;
}

function one(id: string, changes: Partial<Observation> = {}): Observation {
  return {
    id,
    kpiId: 'a',
    unit: 'x',
    at: start,
    offsetMinutes: 0,
    recordedAt: start,
    value: 1,
    grade: 'measured',
    source: 's',
    ...changes,
  };
}

const file = (name: string): string => path.join(dir, name);
const reopen = async (store: MetricsStore): Promise<ReturnType<typeof openFileStore>> => {
  await store.close();
  return open();
};

describe('the file store', () => {
  it('makes its index anew when it is deleted, damaged, or belongs to other logs', async () => {
    let store = open();
    await store.append([one('1'), one('2', { value: 5 })]);
    await store.put('change', { id: 'c', at: 1, body: {} });
    const days = await store.days({ withBins: true });
    const spoil = [
      () => rmSync(file('index.db')),
      () => writeFileSync(file('index.db'), 'this is no database at all, and long enough to be read as one page or so'),
      () => truncateSync(file('index.db'), 100),
    ];
    for (const damage of spoil) {
      await store.close();
      damage();
      store = open();
      expect(await store.days({ withBins: true })).toEqual(days);
      expect(await store.records('change')).toHaveLength(1);
    }
    await store.close();
    const log = readFileSync(file('observations.jsonl'), 'utf8').split('\n');
    writeFileSync(file('observations.jsonl'), `${log.slice(0, 2).join('\n')}\n`);
    store = open();
    expect((await store.observations({})).map((row) => row.id)).toEqual(['1']);
  });

  it('loses nothing but the torn line, wherever the file ends', async () => {
    const store = open();
    await store.append([one('1'), one('2'), one('3')]);
    await store.close();
    const whole = readFileSync(file('observations.jsonl'));
    for (let cut = 1; cut < 110; cut += 6) {
      rmSync(file('index.db'));
      writeFileSync(file('observations.jsonl'), whole.subarray(0, whole.length - cut));
      const again = open();
      const kept = (await again.observations({})).map((row) => row.id);
      // A cut of one byte takes the line end only, and the line before it is whole.
      expect(kept).toEqual(cut === 1 ? ['1', '2', '3'] : ['1', '2']);
      expect(await again.append([one('3'), one('4')])).toEqual([cut === 1 ? 'duplicate' : 'stored', 'stored']);
      expect(await again.observations({})).toHaveLength(4);
      await again.close();
    }
  });

  it('skips and counts lines that are no observations', async () => {
    const store = open();
    await store.append([one('1')]);
    appendFileSync(
      file('observations.jsonl'),
      `null\n[]\n{"id":5}\n${JSON.stringify({ ...one('bad'), value: 'x' })}\n\u0000\u0000\n`,
    );
    const wrong: object[] = [
      { at: 8e18 },
      { offsetMinutes: 1e300 },
      { value: 1.7e308 },
      { weight: 'many' },
      { weight: -5 },
      { grade: 'sure' },
    ];
    for (const changes of wrong)
      appendFileSync(file('observations.jsonl'), `${JSON.stringify({ ...one('bad'), ...changes })}\n`);
    await store.append([one('2')]);
    expect((await store.observations({})).map((row) => row.id)).toEqual(['1', '2']);
    expect(store.skippedLines).toBe(5 + wrong.length);
  });

  it('refuses files of another kind or version, and leaves them as they are', async () => {
    writeFileSync(file('observations.jsonl'), 'my notes\n');
    expect(() => openFileStore({ dir })).toThrow(expect.objectContaining({ code: 'GENIE_METRICS_FORMAT' }));
    expect(readFileSync(file('observations.jsonl'), 'utf8')).toBe('my notes\n');
    rmSync(file('observations.jsonl'));
    const store = open();
    for (const text of ['{', '{"format":"genie.kpis","v":2,"version":1,"definitions":[]}', '[]']) {
      writeFileSync(file('definitions.json'), text);
      await expect(store.loadDefinitions()).rejects.toMatchObject({
        code: 'GENIE_METRICS_FORMAT',
        message: expect.stringContaining('definitions.json'),
      });
    }
  });

  it('reads format 1 as it was first written', async () => {
    const fixtures = path.join(import.meta.dirname, '..', '..', '..', 'fixtures', 'store-v1');
    for (const name of ['definitions.json', 'observations.jsonl', 'outcomes.jsonl', 'rollups.json'])
      copyFileSync(path.join(fixtures, name), file(name));
    const store = open();
    expect((await store.loadDefinitions()).version).toBe(3);
    expect((await store.observations({})).map((row) => [row.id, row.value])).toEqual([['run_2/items/items', 4]]);
    expect((await store.days({ withBins: true })).map((day) => [day.day, day.count, day.sum])).toEqual([
      [20513, 2, 7],
      [20514, 1, 4],
    ]);
    expect((await store.records('outcome')).map((row) => row.id)).toEqual(['run_2']);
  });

  it('finishes a compaction that died between its two steps', async () => {
    const store = open();
    await store.append([0, 1, 2].map((day) => one(`${day}`, { at: start + day * 86_400_000, value: day + 1 })));
    const days = await store.days({ withBins: true });
    copyFileSync(file('observations.jsonl'), file('before'));
    await store.compact(startDay + 2);
    await store.close();
    // The first step is done, the second is not: the log is the old one again.
    copyFileSync(file('before'), file('observations.jsonl'));
    const again = open();
    expect(await again.days({ withBins: true })).toEqual(days);
    expect((await again.observations({})).map((row) => row.id)).toEqual(['2']);
    expect(await (await reopen(again)).days({ withBins: true })).toEqual(days);
  });

  it('lets another open store go on after a compaction', async () => {
    const [first, second] = [open(), open()];
    await first.append([0, 1, 2].map((day) => one(`${day}`, { at: start + day * 86_400_000, kpiId: `kpi-${day}` })));
    expect(await second.observations({})).toHaveLength(3);
    await first.compact(startDay + 2);
    expect(
      await second.append([one('9', { at: start + 2 * 86_400_000, kpiId: 'kpi-2' }), one('0', { at: start })]),
    ).toEqual(['stored', 'too-late']);
    expect((await first.observations({})).map((row) => row.id)).toEqual(['2', '9']);
    expect((await first.days({})).map((day) => [day.kpiId, day.count])).toEqual([
      ['kpi-0', 1],
      ['kpi-1', 1],
      ['kpi-2', 2],
    ]);
  });

  it('takes observations of several processes at once, each once', async () => {
    open();
    const source = `
      const { openFileStore } = await import(process.argv[1]);
      const store = openFileStore({ dir: process.argv[2], durability: 'process' });
      for (let index = 0; index < 100; index += 1) {
        const id = index < 50 ? 'shared-' + index : process.argv[3] + index;
        await store.append([{ id, kpiId: 'a', unit: 'x', at: ${start} + index, offsetMinutes: 0, recordedAt: 0, value: 1, grade: 'measured', source: 's' }]);
      }
      await store.close();`;
    const flags = [
      '--conditions=@genie/source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '--eval',
      source,
    ];
    const module = new URL('./file-store.ts', import.meta.url).href;
    const codes = ['p', 'q', 'r'].map(
      (name) =>
        new Promise((resolve) => {
          spawn(process.execPath, [...flags, module, dir, name], { stdio: ['ignore', 'inherit', 'inherit'] }).once(
            'close',
            resolve,
          );
        }),
    );
    expect(await Promise.all(codes)).toEqual([0, 0, 0]);
    const store = open();
    const ids = (await store.observations({})).map((row) => row.id);
    expect([ids.length, new Set(ids).size]).toEqual([200, 200]);
    expect((await store.days({}))[0]?.count).toBe(200);
  }, 60_000);

  it('gives errors of the disk a code and stays usable', async () => {
    const store = open();
    await store.append([one('1')]);
    const bad = { ...one('2'), offsetMinutes: undefined } as unknown as Observation;
    await expect(store.append([bad])).rejects.toMatchObject({ code: 'GENIE_METRICS_STORE' });
    expect(await store.append([one('3')])).toEqual(['stored']);
    expect(() => openFileStore({ dir: file('definitions.json/x') })).not.toThrow();
    writeFileSync(file('plain'), '');
    expect(() => openFileStore({ dir: path.join(file('plain'), 'x') })).toThrow(
      expect.objectContaining({ code: 'GENIE_METRICS_STORE' }),
    );
  });

  it('keeps years in bounded space', async () => {
    const store = open();
    for (let day = 0; day < 400; day += 1) {
      await store.append(
        Array.from({ length: 20 }, (_, index) =>
          one(`${day}/${index}`, { at: start + day * 86_400_000 + index, value: index }),
        ),
      );
    }
    const before = statSync(file('observations.jsonl')).size;
    await store.compact(startDay + 395);
    expect(statSync(file('observations.jsonl')).size).toBeLessThan(before / 50);
    expect(statSync(file('rollups.json')).size / 395).toBeLessThan(1024);
    expect((await store.days({})).reduce((sum, day) => sum + day.count, 0)).toBe(8000);
  });
});

describe('day roll-ups', () => {
  const value = fc.oneof(
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
    fc.integer({ min: -100, max: 100 }),
    fc.constant(0),
  );

  it('end in the same result in whatever order observations come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ value: fc.integer({ min: -50, max: 50 }), at: fc.integer({ min: 0, max: 5 }) }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.nat(),
        (list, seed) => {
          const rollups = list.map((row, index) => rollupOf(one(`${index}`, { value: row.value, at: start + row.at })));
          const turned = [
            ...rollups.slice(seed % rollups.length),
            ...rollups.slice(0, seed % rollups.length),
          ].reverse();
          expect(turned.reduce(mergeRollups)).toEqual(rollups.reduce(mergeRollups));
        },
      ),
    );
  });

  it('know values to 1 percent', () => {
    fc.assert(
      fc.property(value, (number) => {
        const back = binToValue(valueToBin(number));
        expect(Math.abs(back - number)).toBeLessThanOrEqual(Math.abs(number) * 0.0101 + 1e-9);
      }),
    );
    const bins: Record<number, number> = {};
    for (let number = 1; number <= 1000; number += 1) bins[valueToBin(number)] = (bins[valueToBin(number)] ?? 0) + 1;
    expect(percentileOfBins([bins], 0.95)! / 950).toBeCloseTo(1, 1);
    expect(percentileOfBins([{}], 0.5)).toBeUndefined();
  });
});
