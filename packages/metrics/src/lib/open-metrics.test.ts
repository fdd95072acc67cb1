import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KpiDefinition, KpiProbe } from '@genie/core/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEvidenceStore } from './evidence.ts';
import type { Metrics } from './metrics.ts';
import { type MetricsOptions, openMetrics } from './open-metrics.ts';
import { createTestRun } from './testing/test-run.ts';

let dir: string;
let now: number;
const opened: Metrics[] = [];

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'genie-metrics-'));
  now = Date.UTC(2026, 2, 2, 6);
});
afterEach(async () => {
  for (const metrics of opened.splice(0)) await metrics.close();
  rmSync(dir, { recursive: true, force: true });
});

function open(options: Partial<MetricsOptions> = {}): Metrics {
  const metrics = openMetrics({ dir, clock: { now: () => now }, timeZone: 'UTC', ...options });
  opened.push(metrics);
  return metrics;
}

function kpi(probe: KpiProbe, changes: Partial<KpiDefinition> = {}): KpiDefinition {
  return { id: 'tested', name: 'Tested', unit: 'x', direction: 'up', target: 1, probe, ...changes };
}

async function read(probe: KpiProbe, run = createTestRun(), options: Partial<MetricsOptions> = {}) {
  const metrics = open(options);
  await metrics.define([kpi(probe)]);
  const { readings } = await metrics.measure(run);
  return readings[0]!;
}

describe('measure', () => {
  it('uses the default KPIs while the user named none, and judges the run by them', async () => {
    const report = await open().measure(createTestRun({ toolCalls: createTestRun().toolCalls.slice(0, 2) }));
    expect(report.readings.map((one) => [one.kpiId, one.value, one.status])).toEqual([
      ['items-cited', 100, 'met'],
      ['sources-reached', 100, 'met'],
      ['tool-success', 100, 'met'],
    ]);
    expect(report.outcome).toBe('achieved');
    expect(report.readings.every((one) => /^[0-9a-f]{64}$/.test(one.evidenceHash ?? ''))).toBe(true);
  });

  it('is idempotent by run, also when called twice at once and after a restart', async () => {
    const metrics = open();
    const [first, second] = await Promise.all([metrics.measure(createTestRun()), metrics.measure(createTestRun())]);
    expect(second).toEqual(first);
    await metrics.close();
    const other = await open().measure(createTestRun({ toolCalls: [], claim: 'none' }));
    expect(other).toEqual(first);
    expect(readFileSync(path.join(dir, 'observations.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1 + 3);
  });

  it('gives "unverified" to a run without a measurement, whatever it claims', async () => {
    const metrics = open();
    await metrics.define([
      kpi({ kind: 'run-field', field: 'claim.length' }),
      kpi({ kind: 'http', url: 'https://a.example' }, { id: 'web' }),
    ]);
    const report = await metrics.measure(createTestRun({ claim: 'achieved' }));
    expect(report.outcome).toBe('unverified');
    expect(report.overclaimed).toBe(true);
  });

  it('gives no green outcome while a probe failed', async () => {
    const metrics = open();
    await metrics.define([
      kpi({ kind: 'run-field', field: 'items' }),
      kpi({ kind: 'file', path: 'x' }, { id: 'gone' }),
    ]);
    expect((await metrics.measure(createTestRun())).outcome).toBe('partly');
  });

  it('tells the change against the run before and the cost of one unit', async () => {
    const metrics = open();
    await metrics.define([kpi({ kind: 'run-field', field: 'items' })]);
    await metrics.measure(createTestRun());
    const run = createTestRun({ runId: 'run_2', endedAt: now, startedAt: now - 1000 });
    const items = [
      ...run.briefing!.items,
      { id: 'i3', text: 'three', citations: [] },
      { id: 'i4', text: 'four', citations: [] },
    ];
    const report = await metrics.measure({ ...run, briefing: { ...run.briefing!, items } });
    expect(report.deltas).toEqual({ tested: 2 });
    expect(report.costPerUnit.tested).toEqual({ usd: 0.005, tokens: 250, tookMs: 250 });
  });

  it('rejects and records nothing when it is aborted', async () => {
    const metrics = open();
    const reason = new Error('stop');
    await expect(metrics.measure(createTestRun(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await metrics.observations()).toEqual([]);
    expect(await metrics.outcomes()).toEqual([]);
  });

  it('does not call an unfinished week missed', async () => {
    const metrics = open();
    await metrics.define([
      kpi({ kind: 'run-field', field: 'items' }, { aggregation: 'sum', cadence: 'week', target: 20 }),
    ]);
    const { readings } = await metrics.measure(createTestRun());
    expect(readings[0]).toMatchObject({ status: 'no-data', reason: 'the week is not over: 2 x so far, target 20' });
  });

  it('adds up over the days of a cadence', async () => {
    const metrics = open();
    await metrics.define([
      kpi({ kind: 'run-field', field: 'items' }, { aggregation: 'sum', cadence: 'week', target: 6 }),
    ]);
    let value: number | undefined;
    for (let day = 0; day < 10; day += 1) {
      const endedAt = now + day * 86_400_000;
      const report = await metrics.measure(createTestRun({ runId: `run_${day}`, startedAt: endedAt - 1, endedAt }));
      value = report.readings[0]?.value;
    }
    expect(value).toBe(14);
  });
});

describe('probes', () => {
  it('reads numbers of the run', async () => {
    expect(await read({ kind: 'run-field', field: 'tokens' })).toMatchObject({ value: 1000, grade: 'measured' });
    expect(await read({ kind: 'run-field', field: 'usage.modelCalls' }, createTestRun({ runId: 'r2' }))).toMatchObject({
      value: 4,
    });
    expect(await read({ kind: 'run-field', field: 'citedSources' }, createTestRun({ runId: 'r3' }))).toMatchObject({
      value: 2,
    });
  });

  it('says "no data" with the reason instead of zero', async () => {
    const { costUsd: _costUsd, ...free } = createTestRun();
    const reading = await read({ kind: 'run-field', field: 'costUsd' }, free);
    expect(reading).toMatchObject({ status: 'no-data', reason: 'the run has no number at "costUsd"' });
    expect(reading).not.toHaveProperty('value');
  });

  it('grades the own words of a run unverified', async () => {
    expect(await read({ kind: 'run-field', field: 'text.length' })).toMatchObject({ status: 'no-data' });
    const run = createTestRun({ runId: 'r2', text: '5' });
    expect(await read({ kind: 'run-field', field: 'text' }, run)).toMatchObject({ value: 5, grade: 'unverified' });
  });

  it('counts events, and shares of events without dividing by zero', async () => {
    expect(await read({ kind: 'event-count', event: 'tool.failed', per: 'tool.called' })).toMatchObject({
      value: 100 / 3,
    });
    const none = await read(
      { kind: 'event-count', event: 'tool.failed', per: 'nothing' },
      createTestRun({ runId: 'r2' }),
    );
    expect(none).toMatchObject({ status: 'no-data', reason: 'no "nothing" in this run, so there is no share of it' });
  });

  it('reads tool results', async () => {
    expect(await read({ kind: 'tool-result', measure: 'success' })).toMatchObject({ value: 200 / 3 });
    const probe = { kind: 'tool-result', measure: 'field', tool: 'feed.read', field: 'entries' };
    expect(await read(probe, createTestRun({ runId: 'r2' }))).toMatchObject({ value: 1 });
  });

  it('tells a cited item from one that is not', async () => {
    const run = createTestRun();
    const items = [...run.briefing!.items, { id: 'i3', text: 'made up', citations: [] }];
    const reading = await read({ kind: 'citations' }, { ...run, briefing: { ...run.briefing!, items } });
    expect(reading.value).toBeCloseTo(200 / 3);
  });

  it('tells a citation that a tool saw from an invented one', async () => {
    const run = createTestRun();
    const items = [
      { id: 'i1', text: 'x', citations: [{ source: 'news', location: 'https://invented.example/1' }] },
      run.briefing!.items[0]!,
    ];
    const reading = await read(
      { kind: 'citations', require: 'grounded' },
      { ...run, briefing: { ...run.briefing!, items } },
    );
    expect(reading.value).toBe(50);
  });

  it('does not take a longer name for a source', async () => {
    const run = createTestRun({ sources: [{ kind: 'web', location: 'https://a.ex' }] });
    expect(await read({ kind: 'sources' }, run)).toMatchObject({ value: 0 });
  });

  it('looks at files in allowed folders only, also through links', async () => {
    const root = path.join(dir, 'workspace');
    mkdirSync(root);
    writeFileSync(path.join(root, 'report.json'), '{"rows": 12}');
    writeFileSync(path.join(dir, 'secret.txt'), 'secret');
    symlinkSync(path.join(dir, 'secret.txt'), path.join(root, 'link.txt'));
    const options = { roots: [root] };
    const probe = (check: string, file: string) => ({
      kind: 'file',
      path: file,
      check,
      field: 'rows',
      pattern: 'rows.*12',
    });
    const values: unknown[] = [];
    const cases = [
      ['exists', 'report.json'],
      ['exists', 'none.json'],
      ['field', 'report.json'],
      ['matches', 'report.json'],
      ['count', '*.json'],
    ];
    for (const [index, [check, file]] of cases.entries()) {
      values.push((await read(probe(check!, file!), createTestRun({ runId: `f${index}` }), options)).value);
    }
    expect(values).toEqual([1, 0, 12, 1, 1]);
    for (const [index, file] of ['link.txt', '../secret.txt', path.join(dir, 'secret.txt')].entries()) {
      const reading = await read(probe('exists', file), createTestRun({ runId: `out${index}` }), options);
      expect(reading).toMatchObject({
        status: 'no-data',
        reason: expect.stringContaining('outside the allowed folders'),
      });
    }
  });

  it('ends a pattern that would run for ever', async () => {
    const root = path.join(dir, 'workspace');
    mkdirSync(root);
    writeFileSync(path.join(root, 'a.txt'), `${'a'.repeat(40)}b`);
    const reading = await read({ kind: 'file', path: 'a.txt', check: 'matches', pattern: '^(a+)+$' }, createTestRun(), {
      roots: [root],
    });
    expect(reading).toMatchObject({ status: 'no-data', reason: expect.stringContaining('make it simpler') });
  });

  it('asks HTTP through the given fetch only, and keeps what it saw', async () => {
    const metrics = open({ fetch: async () => new Response('{"price": {"usd": 12.5}}') });
    await metrics.define([kpi({ kind: 'http', url: 'https://api.example/v1', field: 'price.usd' })]);
    const reading = (await metrics.measure(createTestRun())).readings[0]!;
    expect(reading).toMatchObject({ value: 12.5, grade: 'measured' });
    expect(await metrics.evidence(reading.evidenceHash!)).toMatchObject({
      status: 200,
      body: '{"price": {"usd": 12.5}}',
    });
  });

  it('turns an HTTP error, a refusal and a hanging server into "no data"', async () => {
    const probe = { kind: 'http', url: 'https://api.example/v1', field: 'x' };
    const hang = () => new Promise<Response>(() => undefined);
    const fetches = [
      async () => new Response('{"x":1}', { status: 500 }),
      () => Promise.reject(new Error('denied')),
      hang,
    ];
    for (const [index, fetch] of fetches.entries()) {
      const reading = await read(probe, createTestRun({ runId: `r${index}` }), { fetch, probeTimeoutMs: 50 });
      expect(reading.status).toBe('no-data');
      expect(reading.reason).toMatch(/answered 500|denied|longer than 50 ms/);
    }
  });

  it('refuses NaN and infinities', async () => {
    for (const text of ['NaN', '1e999']) {
      const run = createTestRun({
        runId: text,
        toolCalls: [{ ...createTestRun().toolCalls[0]!, outputText: `{"v": "${text}"}` }],
      });
      expect((await read({ kind: 'tool-result', measure: 'field', tool: 'feed.read', field: 'v' }, run)).status).toBe(
        'no-data',
      );
    }
  });

  it("judges the time of an event on the user's clock, after the run was measured", async () => {
    const metrics = open({ timeZone: 'America/Chicago' });
    await metrics.define([kpi({ kind: 'event', event: 'briefing.delivered', before: '05:30' })]);
    const run = createTestRun();
    expect((await metrics.measure(run)).readings[0]).toMatchObject({
      status: 'no-data',
      reason: '"briefing.delivered" has not happened yet',
    });
    const at = Date.UTC(2026, 2, 2, 11, 29);
    metrics.onEvent({
      type: 'briefing.delivered',
      at,
      source: 'core',
      runId: run.runId,
      title: '',
      items: 2,
      deliveries: 1,
    });
    metrics.onEvent({ type: 'run.ended', at: now, source: 'core', runId: 'run_2', status: 'completed' });
    await metrics.close();
    const values = (await open().observations()).map((one) => [one.runId, one.value]);
    expect(values).toEqual([
      [run.runId, undefined],
      ['run_2', 0],
      [run.runId, 1],
    ]);
  });
});

describe('define', () => {
  it('refuses what cannot work and names the KPI, the value and the fix', async () => {
    const metrics = open();
    const bad: [unknown, RegExp][] = [
      [kpi({ kind: 'telepathy' }), /KPI "tested".*"telepathy" is unknown; use one of citations/],
      [kpi({ kind: 'run-field', field: 'items' }, { target: Number.NaN }), /target is NaN/],
      [kpi({ kind: 'run-field', field: 'items' }, { target: 1, failure: 2 }), /failure <= warning <= target/],
      [kpi({ kind: 'http', url: 'ftp://a.example' }), /http or https/],
      [kpi({ kind: 'file', path: 'a', check: 'matches', pattern: '(' }), /is no regular expression/],
      [{ ...kpi({ kind: 'citations' }), id: 'Bad Id' }, /id is "Bad Id"/],
    ];
    for (const [one, message] of bad) {
      await expect(metrics.define([one as KpiDefinition])).rejects.toMatchObject({
        code: 'GENIE_KPI_INVALID',
        message: expect.stringMatching(message),
      });
    }
    expect(readFileSync(path.join(dir, 'observations.jsonl'), 'utf8')).not.toContain('tested');
  });

  it('keeps versions, other KPIs and observations', async () => {
    const metrics = open();
    await metrics.define([kpi({ kind: 'run-field', field: 'items' }), kpi({ kind: 'citations' }, { id: 'cited' })]);
    await metrics.measure(createTestRun());
    await metrics.define([kpi({ kind: 'run-field', field: 'steps' }, { target: 3 })]);
    await metrics.retire(['cited']);
    expect((await metrics.definitions()).map((one) => [one.id, one.target])).toEqual([['tested', 3]]);
    expect(JSON.parse(readFileSync(path.join(dir, 'definitions.json'), 'utf8'))).toMatchObject({
      format: 'genie.kpis',
      v: 1,
      version: 3,
    });
    expect(await metrics.observations()).toHaveLength(2);
  });
});

describe('observe', () => {
  it('takes late, duplicate and out-of-order observations', async () => {
    const metrics = open();
    await metrics.define([kpi({ kind: 'citations' }, { aggregation: 'mean' })]);
    const one = (value: number, daysAgo: number, key?: string) => ({
      kpiId: 'tested',
      value,
      at: now - daysAgo * 86_400_000,
      source: 'test',
      evidence: value,
      ...(key === undefined ? {} : { key }),
    });
    const receipts = await metrics.observe([one(3, 0, 'a'), one(1, 2, 'b'), one(3, 0, 'a'), one(2, 1)]);
    expect(receipts.map((receipt) => receipt.status)).toEqual(['stored', 'stored', 'duplicate', 'stored']);
    expect((await metrics.series('tested')).points.map((point) => point.value)).toEqual([1, 2, 3]);
  });

  it('refuses values that are none and "measured" without evidence', async () => {
    const metrics = open();
    await metrics.define([kpi({ kind: 'citations' })]);
    const base = { kpiId: 'tested', source: 'test' };
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    for (const bad of [
      { value: Number.NaN },
      { value: Infinity },
      {},
      { value: 1, grade: 'measured' as const },
      { value: 1, weight: 0 },
      { value: '5' as never },
      { value: null as never },
      { value: 1, at: 9e15 },
      { value: 1, at: 0.5 },
      { value: 1, grade: 'sure' as never },
      { value: 1, runId: 'r'.repeat(10_000_000) },
      { value: 1, key: {} as never },
      { value: 1, evidence: circle as never },
      { value: 1, evidence: { big: 1n } as never },
    ]) {
      await expect(metrics.observe({ ...base, ...bad })).rejects.toMatchObject({ code: 'GENIE_OBSERVATION_INVALID' });
    }
    await expect(metrics.observe({ kpiId: 'other', value: 1, source: 'x' })).rejects.toMatchObject({
      code: 'GENIE_KPI_UNKNOWN',
    });
    expect(await metrics.observations()).toEqual([]);
  });

  it('shows a dashboard of whole days only', async () => {
    const metrics = open();
    for (const days of [Number.NaN, 0, -1, 1.5, 1e9]) {
      await expect(metrics.dashboard({ days })).rejects.toMatchObject({ code: 'GENIE_METRICS_OPTIONS' });
      await expect(metrics.series('items-cited', { days })).rejects.toMatchObject({ code: 'GENIE_METRICS_OPTIONS' });
    }
  });

  it('does not mix units', async () => {
    const metrics = open();
    await metrics.define([kpi({ kind: 'citations' }, { unit: 's' })]);
    await metrics.observe({ kpiId: 'tested', value: 9, source: 'test', evidence: 1 });
    await metrics.define([kpi({ kind: 'citations' }, { unit: 'ms' })]);
    await metrics.observe({ kpiId: 'tested', value: 9000, source: 'test', evidence: 1 });
    const series = await metrics.series('tested');
    expect(series.points.map((point) => point.value)).toEqual([9000]);
    expect(series.formerUnits).toEqual(['s']);
  });

  it('survives a torn tail and lines that are no observations', async () => {
    const metrics = open();
    await metrics.define([kpi({ kind: 'citations' })]);
    const observe = (value: number) => metrics.observe({ kpiId: 'tested', value, source: 'test', evidence: value });
    await observe(1);
    appendFileSync(path.join(dir, 'observations.jsonl'), 'not json\n{"v":1,"id":"torn","kpi');
    await observe(2);
    await metrics.close();
    rmSync(path.join(dir, 'index.db'));
    const again = open();
    expect((await again.observations()).map((one) => one.value)).toEqual([1, 2]);
  });
});

describe('feedback', () => {
  it('feeds the KPI, the preferences and memory, also for a run that is gone', async () => {
    const remembered: string[] = [];
    const memory = {
      remember: async (items: unknown) => {
        remembered.push((items as { text: string }).text);
        return [];
      },
    };
    const metrics = open({ memory });
    await metrics.define([kpi({ kind: 'feedback', measure: 'relevant' }, { unit: '%' })]);
    const source = 'https://a.example/feed';
    await metrics.feedback({ kind: 'irrelevant', runId: 'deleted', itemId: 'i1', source });
    const row = await metrics.feedback({ kind: 'thumbs', up: true, runId: 'deleted', itemId: 'i2', source });
    expect(row.runKnown).toBe(false);
    expect((await metrics.observations()).map((one) => one.value)).toEqual([0, 50]);
    expect((await metrics.preferences()).sources).toEqual([
      { key: source, up: 1, down: 1, score: 0, why: '1 liked, 1 not' },
    ]);
    expect(remembered[0]).toBe('The user finds item i1 from https://a.example/feed irrelevant.');
  });

  it('counts a second delivery once and refuses what is none', async () => {
    const metrics = open();
    const first = await metrics.feedback({ kind: 'stars', stars: 4, key: 'click-1' });
    expect((await metrics.feedback({ kind: 'stars', stars: 1, key: 'click-1' })).id).toBe(first.id);
    await expect(metrics.feedback({ kind: 'stars', stars: 6 })).rejects.toMatchObject({
      code: 'GENIE_FEEDBACK_INVALID',
    });
  });
});

describe('evaluate', () => {
  it('proposes to drop a source that is never cited, citing the runs', async () => {
    const metrics = open();
    for (let index = 0; index < 4; index += 1) {
      const run = createTestRun({ runId: `run_${index}`, endedAt: now - index * 1000 });
      await metrics.measure({ ...run, briefing: { ...run.briefing!, items: [run.briefing!.items[0]!] } });
    }
    const evaluation = await metrics.evaluate();
    expect(evaluation.adjustments.map((one) => one.title)).toEqual(['Remove source https://b.example/feed']);
    expect(evaluation.adjustments[0]?.evidence).toHaveLength(4);
    expect(await metrics.evaluations()).toEqual([evaluation]);
  });
});

describe('failures around a measurement', () => {
  it('warn and stop nothing', async () => {
    const warnings: string[] = [];
    const memory = { remember: () => Promise.reject(new Error('memory is full')) };
    const metrics = open({ memory, onWarning: ({ code, message }) => warnings.push(`${code} ${message}`) });
    expect((await metrics.feedback({ kind: 'stars', stars: 5 })).kind).toBe('stars');
    expect(warnings).toEqual(['GENIE_METRICS_MEMORY memory is full']);
  });

  it('do not lose a definition when two are made at once', async () => {
    const [first, second] = [open(), open()];
    const probe = { kind: 'run-field', field: 'items' };
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((id, index) => [first, second][index % 2]!.define([kpi(probe, { id })])),
    );
    expect((await first.definitions()).map((one) => one.id).sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('refuse options that cannot work', () => {
    const bad: [MetricsOptions, RegExp][] = [
      [{}, /either `dir`/],
      [{ dir, rawRetentionDays: 1 }, /rawRetentionDays/],
      [{ dir, settings: { read: async () => ({}), write: async () => undefined } }, /`settings` needs `approvals`/],
    ];
    for (const [options, message] of bad) {
      expect(() => openMetrics(options)).toThrow(
        expect.objectContaining({ code: 'GENIE_METRICS_OPTIONS', message: expect.stringMatching(message) }),
      );
    }
  });

  it('compact old observations with a self-evaluation', async () => {
    const metrics = open({ rawRetentionDays: 8 });
    await metrics.define([kpi({ kind: 'citations' })]);
    for (const days of [30, 20, 1])
      await metrics.observe({ kpiId: 'tested', value: days, at: now - days * 86_400_000, source: 'test' });
    const [{ hash: old }, { hash: fresh }] = ['old', 'fresh'].map((seen) => createEvidenceStore(dir).keep(seen)) as [
      { hash: string },
      { hash: string },
    ];
    utimesSync(path.join(dir, 'evidence', `${old}.json`), new Date(0), new Date(now - 20 * 86_400_000));
    await metrics.evaluate();
    expect([await metrics.evidence(old), await metrics.evidence(fresh)]).toEqual([undefined, 'fresh']);
    expect((await metrics.observations()).map((one) => one.value)).toEqual([1]);
    expect((await metrics.series('tested')).points.map((point) => point.value)).toEqual([30, 20, 1]);
  });
});
