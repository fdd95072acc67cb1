import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KpiDefinition, LanguageModel } from '@genie/core/ports';
import { fixedClock, scriptedModel } from '@genie/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Feedback } from './feedback/feedback.ts';
import { openMetrics } from './open-metrics.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createTestRun } from './testing/test-run.ts';

/** A goal as a user states it, the KPIs a planning model would propose for it, what happens in a week, and what the probes must say. */
interface GoalKind {
  readonly kpis: readonly KpiDefinition[];
  /** Data files in the workspace, as lines of JSON. */
  readonly files?: Readonly<Record<string, readonly object[]>>;
  readonly feedback?: readonly Feedback[];
  /** Minutes after midnight at which the briefing of each day was delivered. */
  readonly deliveredAt?: readonly number[];
  readonly model?: LanguageModel;
  /** By KPI, at the end of the week: value, status, grade. */
  readonly expected: Readonly<Record<string, readonly [value: number | undefined, status: string, grade: string]>>;
}

const hour = 3_600_000;
const start = Date.UTC(2026, 2, 2);
const up = { direction: 'up' as const };
const down = { direction: 'down' as const };

const goals: Readonly<Record<string, GoalKind>> = {
  'Monitor housing prices in Austin': {
    kpis: [
      {
        id: 'listings',
        name: 'Listings surfaced a week',
        unit: 'listings',
        ...up,
        target: 10,
        cadence: 'week',
        aggregation: 'sum',
        probe: { kind: 'run-field', field: 'items' },
      },
      {
        id: 'relevant',
        name: 'Surfaced listings found relevant',
        unit: '%',
        ...up,
        target: 70,
        failure: 30,
        cadence: 'week',
        probe: { kind: 'feedback', measure: 'relevant' },
      },
      // From the listing's appearance to the user's notification; the genie notes both times.
      {
        id: 'delay',
        name: 'From listing to notification',
        unit: 'min',
        ...down,
        target: 60,
        failure: 240,
        probe: { kind: 'sql', database: 'listings.jsonl', query: 'SELECT avg(notified - listed) / 60000.0 FROM data' },
      },
      {
        id: 'coverage',
        name: 'Major listing sources covered',
        unit: '%',
        ...up,
        target: 90,
        aggregation: 'ratio',
        probe: { kind: 'sources' },
      },
    ],
    files: {
      'listings.jsonl': [
        { listed: start, notified: start + 0.5 * hour },
        { listed: start, notified: start + 2.5 * hour },
      ],
    },
    feedback: [
      { kind: 'thumbs', up: true, itemId: 'i1' },
      { kind: 'stars', stars: 5, itemId: 'i2' },
      { kind: 'irrelevant', itemId: 'i3' },
      { kind: 'irrelevant', itemId: 'i4' },
    ],
    expected: {
      listings: [14, 'met', 'measured'],
      relevant: [50, 'warning', 'measured'],
      delay: [90, 'warning', 'measured'],
      coverage: [100, 'met', 'measured'],
    },
  },
  'Daily briefing on a conflict': {
    kpis: [
      {
        id: 'on-time',
        name: 'Delivered before 05:30',
        unit: 'share of days',
        ...up,
        target: 1,
        failure: 0.5,
        cadence: 'week',
        aggregation: 'yes-no',
        probe: { kind: 'event', event: 'briefing.delivered', before: '05:30' },
      },
      {
        id: 'sources',
        name: 'Unique sources consulted',
        unit: 'sources',
        ...up,
        target: 2,
        probe: { kind: 'run-field', field: 'citedSources' },
      },
      {
        id: 'engagement',
        name: 'Answers of the user',
        unit: 'answers',
        ...up,
        target: 3,
        cadence: 'week',
        probe: { kind: 'feedback', measure: 'answers' },
      },
      {
        id: 'rating',
        name: 'Thumbs up',
        unit: '%',
        ...up,
        target: 80,
        failure: 40,
        cadence: 'week',
        probe: { kind: 'feedback', measure: 'thumbs' },
      },
    ],
    // 05:10 on six days, 06:00 on one.
    deliveredAt: [310, 310, 310, 360, 310, 310, 310],
    feedback: [
      { kind: 'thumbs', up: true, runId: 'run_0' },
      { kind: 'thumbs', up: true, runId: 'run_1' },
      { kind: 'thumbs', up: false, runId: 'run_3' },
      { kind: 'text', text: 'Shorter, please.' },
    ],
    expected: {
      'on-time': [6 / 7, 'warning', 'measured'],
      sources: [2, 'met', 'measured'],
      engagement: [4, 'met', 'measured'],
      rating: [200 / 3, 'warning', 'measured'],
    },
  },
  'Monitor financial markets': {
    kpis: [
      {
        id: 'timely',
        name: 'Before the market opens',
        unit: 'share of days',
        ...up,
        target: 1,
        cadence: 'week',
        aggregation: 'yes-no',
        probe: { kind: 'event', event: 'briefing.delivered', before: '09:30' },
      },
      // A model's opinion: shown, never green.
      {
        id: 'insights',
        name: 'Insights to act on',
        unit: 'insights',
        ...up,
        target: 2,
        probe: { kind: 'judge', question: 'How many items can be acted on?', maximum: 20 },
      },
      // The genie writes each flagged trend down, and later what became of it.
      {
        id: 'accuracy',
        name: 'Flagged trends that came true',
        unit: '%',
        ...up,
        target: 60,
        failure: 40,
        aggregation: 'ratio',
        probe: {
          kind: 'sql',
          database: 'trends.jsonl',
          query: 'SELECT 100.0 * sum(came_true) / count(*), count(*) FROM data WHERE came_true IS NOT NULL',
        },
      },
      {
        id: 'diversity',
        name: 'Citations that a tool saw',
        unit: '%',
        ...up,
        target: 100,
        aggregation: 'ratio',
        probe: { kind: 'citations', require: 'grounded' },
      },
    ],
    files: {
      'trends.jsonl': [{ came_true: 1 }, { came_true: 0 }, { came_true: 1 }, { came_true: 1 }, { came_true: null }],
    },
    deliveredAt: [540, 540, 540, 540, 540, 540, 540],
    model: scriptedModel([{ text: '{"value": 2, "why": "two of them"}' }]),
    expected: {
      timely: [1, 'met', 'measured'],
      insights: [2, 'met', 'estimated'],
      accuracy: [75, 'met', 'measured'],
      diversity: [100, 'met', 'measured'],
    },
  },
  'Keep my download folder tidy': {
    kpis: [
      {
        id: 'left',
        name: 'Files left lying',
        unit: 'files',
        ...down,
        target: 0,
        failure: 50,
        probe: { kind: 'file', path: '*.tmp', check: 'count' },
      },
      {
        id: 'index',
        name: 'Index is there',
        unit: 'yes/no',
        ...up,
        target: 1,
        aggregation: 'yes-no',
        probe: { kind: 'file', path: 'index.jsonl', check: 'exists' },
      },
      {
        id: 'cost',
        name: 'Cost of a run',
        unit: 'USD',
        ...down,
        target: 0.05,
        failure: 0.5,
        probe: { kind: 'run-field', field: 'costUsd' },
      },
      {
        id: 'rating',
        name: 'Rating',
        unit: 'stars',
        ...up,
        target: 4,
        cadence: 'month',
        probe: { kind: 'feedback', measure: 'stars', window: 'month' },
      },
    ],
    files: { 'index.jsonl': [{ file: 'a' }], 'x.tmp': [], 'y.tmp': [] },
    expected: {
      left: [2, 'warning', 'measured'],
      index: [1, 'met', 'measured'],
      cost: [0.02, 'met', 'measured'],
      // Silence is neither praise nor blame.
      rating: [undefined, 'no-data', 'unverified'],
    },
  },
};

let workspace: string;
beforeEach(() => {
  workspace = mkdtempSync(path.join(tmpdir(), 'genie-goals-'));
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

describe('the KPIs of a goal', () => {
  it.each(Object.entries(goals))(
    '%s',
    async (goal, { kpis, files = {}, feedback = [], deliveredAt, model, expected }) => {
      for (const [name, rows] of Object.entries(files))
        writeFileSync(path.join(workspace, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      const clock = fixedClock(new Date(start).toISOString());
      const metrics = openMetrics({
        store: createMemoryStore(),
        clock,
        timeZone: 'UTC',
        roots: [workspace],
        ...(model === undefined ? {} : { model }),
      });
      await metrics.define(kpis);
      let readings: Awaited<ReturnType<typeof metrics.measure>>['readings'] = [];
      for (let day = 0; day < 7; day += 1) {
        if (day === 6) for (const one of feedback) await metrics.feedback(one);
        const endedAt = start + day * 24 * hour + 5 * hour;
        clock.advance(endedAt - clock.now());
        const runId = `run_${day}`;
        const deliver = deliveredAt?.[day];
        if (deliver !== undefined)
          metrics.onEvent({
            type: 'briefing.delivered',
            at: start + day * 24 * hour + deliver * 60_000,
            source: 'core',
            runId,
            title: '',
            items: 2,
            deliveries: 1,
          });
        ({ readings } = await metrics.measure(createTestRun({ runId, goal, startedAt: endedAt - 60_000, endedAt })));
      }
      expect(readings).toHaveLength(4);
      for (const { kpiId, value, status, grade, evidenceHash, reason } of readings) {
        const [wanted, ...judged] = expected[kpiId] ?? [];
        expect([status, grade], kpiId).toEqual(judged);
        if (wanted === undefined) expect([value, reason]).toEqual([undefined, 'no stars were given']);
        else expect(value, kpiId).toBeCloseTo(wanted, 9);
        // A KPI over several days is made of observations that each have their own evidence.
        if (wanted !== undefined) expect(evidenceHash, kpiId).toMatch(/^[0-9a-f]{64}$/);
      }
      await metrics.close();
    },
  );
});
