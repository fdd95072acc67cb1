import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryApprovals } from '@genie/core';
import { createIds, type RunRecord } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import { adjustmentAction, createMemoryStore, openMetrics, settingsFile } from '@genie/metrics';
import { findChangePoints, seededRandom } from '@genie/metrics/statistics';
import { createTestRun } from '@genie/metrics/testing';
import type { Row } from './store.bench.ts';

/** Lying runs, injected change points and injected regressions. */
export async function bench({
  log,
}: {
  readonly json?: boolean;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  return [...(await benchLies()), ...benchChangePoints(log), ...(await benchRegressions())];
}

async function benchLies(): Promise<Row[]> {
  const metrics = openMetrics({ store: createMemoryStore(), timeZone: 'UTC' });
  const base = createTestRun({ claim: 'achieved', text: 'Achieved. 100 %.' });
  const failed = base.toolCalls.map((call) => ({ ...call, status: 'failed' as const }));
  const uncited = { title: 'Done', markdown: 'All achieved', items: [{ id: 'x', text: 'all is well', citations: [] }] };
  const lies: Partial<RunRecord>[] = [
    { toolCalls: failed },
    { briefing: uncited },
    { briefing: { ...uncited, items: [] } },
    { sources: [{ kind: 'web', location: 'https://never.example' }] },
  ];
  let green = 0;
  for (let index = 0; index < 200; index += 1) {
    const { outcome } = await metrics.measure({ ...base, ...lies[index % lies.length], runId: `run_${index}` });
    if (outcome === 'achieved') green += 1;
  }
  return [
    {
      id: 'metrics.lies.green',
      what: 'green outcomes of 200 runs that claim success against their probes',
      value: green,
      unit: 'runs',
      reach: '0',
      ok: green === 0,
    },
  ];
}

function benchChangePoints(log: (line: string) => void): Row[] {
  const trials = 1000;
  const rate = (shift: number): number => {
    let found = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const at = 30 + (trial % 61);
      const one = createSeries(trial * 31 + Math.round(shift * 1000), { shift: trial % 2 === 0 ? shift : -shift, at });
      if (findChangePoints(one.values, one.groups).changes.some(({ index }) => Math.abs(index - one.index) <= 3))
        found += 1;
    }
    return (100 * found) / trials;
  };
  const delay = (shift: number): number => {
    let found = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const one = createSeries(trial * 17 + 3, { shift: trial % 2 === 0 ? shift : -shift, at: 90 });
      const { changes } = findChangePoints(one.values.slice(0, one.index + 3), one.groups.slice(0, one.index + 3));
      if (changes.some(({ index }) => Math.abs(index - one.index) <= 3)) found += 1;
    }
    return (100 * found) / trials;
  };
  let alarms = 0;
  for (let trial = 0; trial < 2000; trial += 1) {
    const one = createSeries(trial * 101 + 7, { shift: 0, at: 0 });
    if (findChangePoints(one.values, one.groups).changes.length > 0) alarms += 1;
  }
  const per200 = alarms / 10;
  const rows: Row[] = [2, 2.5, 3].map((shift) => {
    const value = rate(shift);
    const what = `shifts of ${shift} sigma located within 3 observations (120 days, weekday season, 10 % gaps, 1000 series)`;
    return { id: `metrics.changepoint.${shift}sigma`, what, value, unit: '%', reach: '>= 95', ok: value >= 95 };
  });
  const soon = delay(5);
  log(
    `change points: ${rows.map((row) => row.value).join(' %, ')} %, false alarms ${per200} in 200, 3 observations after a shift of 5 sigma ${soon} %`,
  );
  return [
    ...rows,
    {
      id: 'metrics.changepoint.delay',
      what: 'shifts of 5 sigma found when only 3 observations followed',
      value: soon,
      unit: '%',
      reach: '>= 95',
      ok: soon >= 95,
    },
    {
      id: 'metrics.changepoint.false',
      what: 'false alarms in 200 quiet series (mean of 2000)',
      value: per200,
      unit: 'series',
      reach: '<= 1',
      ok: per200 <= 1,
    },
  ];
}

function createSeries(
  seed: number,
  options: { readonly shift: number; readonly at: number },
): { values: number[]; groups: number[]; index: number } {
  const random = seededRandom(seed);
  const noise = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const season = Array.from({ length: 7 }, () => 2 * (2 * random() - 1));
  const values: number[] = [];
  const groups: number[] = [];
  let index = -1;
  for (let day = 0; day < 120; day += 1) {
    if (random() < 0.1) continue;
    if (day >= options.at && index < 0) index = values.length;
    values.push(10 + noise() + (season[day % 7] ?? 0) + (day >= options.at ? options.shift : 0));
    groups.push(day % 7);
  }
  return { values, groups, index };
}

async function benchRegressions(): Promise<Row[]> {
  const dir = mkdtempSync(path.join(tmpdir(), 'genie-metrics-bench-'));
  const outcomes = { regressed: 0, harmless: 0, intact: 0 };
  try {
    for (let trial = 0; trial < 100; trial += 1) {
      const bad = await tryChange(dir, trial, (random) => 0.3 + 0.4 * random());
      const harmless = await tryChange(dir, 1000 + trial, () => 1);
      outcomes.regressed += Number(bad.undone);
      outcomes.intact += Number(bad.intact);
      outcomes.harmless += Number(harmless.undone);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return [
    {
      id: 'metrics.regression.undone',
      what: 'adopted changes that cut a KPI by 30 to 70 %, undone by themselves',
      value: outcomes.regressed,
      unit: 'of 100',
      reach: '100',
      ok: outcomes.regressed === 100,
    },
    {
      id: 'metrics.regression.intact',
      what: 'settings and outcomes exactly as before after the undo',
      value: outcomes.intact,
      unit: 'of 100',
      reach: '100',
      ok: outcomes.intact === 100,
    },
    {
      id: 'metrics.regression.false',
      what: 'harmless changes undone within 8 runs, noise 10 %',
      value: outcomes.harmless,
      unit: 'of 100',
      reach: '<= 5',
      ok: outcomes.harmless <= 5,
    },
  ];
}

async function tryChange(
  dir: string,
  seed: number,
  factorOf: (random: () => number) => number,
): Promise<{ undone: boolean; intact: boolean }> {
  const random = seededRandom(seed);
  const clock = fixedClock();
  const ids = createIds(clock);
  const approvals = createMemoryApprovals({ clock, ids });
  const settings = settingsFile(path.join(dir, 'genie.json'));
  const before = { goal: 'x', sources: [{ kind: 'feed', location: 'https://b.example/feed' }] };
  await settings.write(before);
  const metrics = openMetrics({
    store: createMemoryStore(),
    clock,
    ids,
    timeZone: 'UTC',
    settings,
    approvals,
    genieId: 'g',
  });
  await metrics.define([
    {
      id: 'items',
      name: 'Items',
      unit: 'items',
      direction: 'up',
      target: 1,
      probe: { kind: 'run-field', field: 'items' },
    },
  ]);
  const usual = 30 + 20 * random();
  const wake = async (index: number, level: number): Promise<void> => {
    clock.advance(3_600_000);
    const count = Math.max(0, Math.round(level * (0.9 + 0.2 * random())));
    const items = Array.from({ length: count }, (_, item) => ({ id: `${item}`, text: '', citations: [] }));
    await metrics.measure(
      createTestRun({
        runId: `run_${index}`,
        startedAt: clock.now() - 1,
        endedAt: clock.now(),
        briefing: { title: '', markdown: '', items },
      }),
    );
  };
  for (let index = 0; index < 10; index += 1) await wake(index, usual);
  const proposal = { id: 'a', adjustment: { type: 'sources' as const, remove: ['https://b.example/feed'] } };
  const { id: approvalId } = await approvals.request({ action: adjustmentAction(proposal, 'g'), title: 'x' });
  await approvals.decide(approvalId, { verdict: 'allow-once', by: 'bench' });
  await metrics.changes.adopt({ proposal, approvalId });
  const factor = factorOf(random);
  for (let index = 10; index < 18; index += 1) await wake(index, usual * factor);
  const [change] = await metrics.changes.list();
  const intact =
    JSON.stringify(await settings.read()) === JSON.stringify(before) && (await metrics.outcomes()).length === 18;
  return { undone: change?.state === 'undone', intact };
}
