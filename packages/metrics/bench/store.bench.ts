import { appendFileSync, closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KpiDefinition } from '@genie/core/ports';
import { type Observation, openFileStore, openMetrics } from '@genie/metrics';

/** One measured figure. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string | null;
  readonly ok: boolean;
}

const dayMs = 86_400_000;
const now = Date.UTC(2026, 2, 2, 6);
const kpiCount = 20;

/** Latency of `observe` beside a bare append and a bare flush, and a dashboard over a million observations. `GENIE_BENCH_OBSERVATIONS` sets how many. */
export async function bench({
  log,
}: {
  readonly json?: boolean;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const total = Number(process.env.GENIE_BENCH_OBSERVATIONS ?? 1_000_000);
  const dir = mkdtempSync(path.join(tmpdir(), 'genie-metrics-bench-'));
  try {
    return [...(await benchObserve(dir, log)), ...(await benchDashboard(dir, total, log))];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function benchObserve(dir: string, log: (line: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  const disk = openSync(path.join(dir, 'disk.jsonl'), 'a');
  const diskMs: number[] = [];
  const bare = await percentile95(2000, async (index) => {
    appendFileSync(
      path.join(dir, 'bare.jsonl'),
      `${JSON.stringify({ kpiId: 'kpi-0', value: index, at: now + index })}\n`,
    );
  });
  for (const durability of ['power', 'process'] as const) {
    const metrics = openMetrics({
      dir: path.join(dir, durability),
      durability,
      clock: { now: () => now },
      timeZone: 'UTC',
    });
    await metrics.define(definitions());
    const p95 = await percentile95(
      2000,
      async (index) => {
        await metrics.observe({ kpiId: `kpi-${index % kpiCount}`, value: index, at: now + index, source: 'bench' });
      },
      durability === 'power' ? () => diskMs.push(appendAndFlush(disk)) : undefined,
    );
    await metrics.close();
    log(`observe (${durability}): p95 ${p95.toFixed(3)} ms, bare append p95 ${bare.toFixed(3)} ms`);
    const what = `observe p95, durability ${durability} (bare append: ${bare.toFixed(3)} ms, ratio ${(p95 / bare).toFixed(1)})`;
    rows.push({
      id: `metrics.observe.p95.${durability}`,
      what,
      value: round(p95),
      unit: 'ms',
      reach: '<= 0.5',
      ok: p95 <= 0.5,
    });
  }
  closeSync(disk);
  rows.push({
    id: 'metrics.observe.disk',
    what: 'append and flush by hand, in turn with observe (power), p95: what the disk alone takes',
    value: round(percentile(diskMs)),
    unit: 'ms',
    reach: null,
    ok: true,
  });
  return rows;
}

/** Milliseconds of one line of the size of an observation. */
function appendAndFlush(descriptor: number): number {
  const from = performance.now();
  writeSync(descriptor, `${'x'.repeat(250)}\n`);
  fdatasyncSync(descriptor);
  return performance.now() - from;
}

async function benchDashboard(dir: string, total: number, log: (line: string) => void): Promise<Row[]> {
  const folder = path.join(dir, 'million');
  const store = openFileStore({ dir: folder, durability: 'process' });
  const startedAt = performance.now();
  for (let from = 0; from < total; from += 10_000) {
    await store.append(
      Array.from({ length: Math.min(10_000, total - from) }, (_, index) => createObservation(from + index, total)),
    );
  }
  await store.close();
  const loadMs = performance.now() - startedAt;
  log(`${total} observations stored in ${(loadMs / 1000).toFixed(1)} s`);
  const openedAt = performance.now();
  const before = process.memoryUsage();
  const metrics = openMetrics({ dir: folder, durability: 'process', clock: { now: () => now }, timeZone: 'UTC' });
  await metrics.define(definitions());
  const openMs = performance.now() - openedAt;
  const times: number[] = [];
  let peak = 0;
  let cpuMs = 0;
  let points = 0;
  for (let round = 0; round < 9; round += 1) {
    const from = performance.now();
    const cpuFrom = process.cpuUsage();
    const dashboard = await metrics.dashboard({ days: 90 });
    times.push(performance.now() - from);
    const cpu = process.cpuUsage(cpuFrom);
    cpuMs = Math.max(cpuMs, (cpu.user + cpu.system) / 1000);
    points = dashboard.kpis.reduce((sum, kpi) => sum + kpi.points.length, 0);
    const memory = process.memoryUsage();
    peak = Math.max(peak, memory.rss - before.rss, memory.heapUsed - before.heapUsed);
  }
  await metrics.close();
  times.sort((left, right) => left - right);
  const slowest = times.at(-1) ?? 0;
  const peakMb = peak / 1024 / 1024;
  log(
    `dashboard: ${points} points, slowest ${slowest.toFixed(1)} ms, median ${times[4]?.toFixed(1)} ms, processor time at most ${cpuMs.toFixed(1)} ms, open ${openMs.toFixed(0)} ms`,
  );
  const what = `dashboard of 90 days over ${total} observations of ${kpiCount} KPIs, slowest of 9 (the first one cold)`;
  return [
    {
      id: 'metrics.dashboard.90days',
      what,
      value: round(slowest),
      unit: 'ms',
      reach: '<= 100',
      ok: slowest <= 100 && points === 90 * kpiCount,
    },
    {
      id: 'metrics.dashboard.cpu',
      what: 'processor time of the slowest dashboard, for busy machines',
      value: round(cpuMs),
      unit: 'ms',
      reach: '<= 100',
      ok: cpuMs <= 100,
    },
    {
      id: 'metrics.dashboard.memory',
      what: 'memory added by opening the store and building the dashboard',
      value: round(peakMb),
      unit: 'MB',
      reach: '<= 64',
      ok: peakMb <= 64,
    },
  ];
}

function definitions(): KpiDefinition[] {
  return Array.from({ length: kpiCount }, (_, index) => ({
    id: `kpi-${index}`,
    name: `KPI ${index}`,
    unit: 'x',
    direction: 'up' as const,
    target: 50,
    cadence: index % 3 === 0 ? 'week' : 'day',
    aggregation: index % 4 === 0 ? ('percentile' as const) : ('mean' as const),
    probe: { kind: 'run-field', field: 'items' },
  }));
}

function createObservation(index: number, total: number): Observation {
  const at = Math.floor(now - 90 * dayMs + (90 * dayMs * (index + 1)) / total);
  return {
    id: `observation_${index}`,
    kpiId: `kpi-${index % kpiCount}`,
    unit: 'x',
    at,
    offsetMinutes: 0,
    recordedAt: at,
    value: 40 + (index % 21) + Math.sin(index),
    grade: 'measured',
    source: 'bench',
    evidenceHash: 'a3f5c1d2e4b697885960718293a4b5c6d7e8f90112233445566778899aabbccd',
    runId: `run_${Math.floor(index / kpiCount)}`,
  };
}

/** Milliseconds that 95 of 100 calls stay below. `between` runs after each of them, outside the measured time. */
async function percentile95(
  times: number,
  work: (index: number) => Promise<void>,
  between?: () => void,
): Promise<number> {
  const taken: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const from = performance.now();
    await work(index);
    taken.push(performance.now() - from);
    between?.();
  }
  return percentile(taken);
}

function percentile(taken: readonly number[]): number {
  return taken.toSorted((left, right) => left - right)[Math.floor(taken.length * 0.95)] ?? 0;
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
