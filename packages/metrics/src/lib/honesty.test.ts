import type { KpiDefinition, LanguageModel, RunRecord } from '@genie/core/ports';
import { fixedClock, scriptedModel } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { openMetrics } from './open-metrics.ts';
import { createMemoryStore } from './store/memory-store.ts';
import { createTestRun } from './testing/test-run.ts';

const clock = fixedClock();
const open = (model?: LanguageModel) =>
  openMetrics({ store: createMemoryStore(), clock, timeZone: 'UTC', ...(model === undefined ? {} : { model }) });

describe('a model that lies', () => {
  const base = createTestRun({ claim: 'achieved' });
  const lies: readonly ((index: number) => Partial<RunRecord>)[] = [
    () => ({ text: 'Everything was achieved. All KPIs are green.' }),
    () => ({
      briefing: { title: 'Done', markdown: 'All done', items: [{ id: 'x', text: 'I cite nothing', citations: [] }] },
    }),
    () => ({ briefing: { title: 'Done', markdown: 'All done', items: [] } }),
    () => ({ toolCalls: base.toolCalls.map((call) => ({ ...call, status: 'failed' as const })) }),
    (index) => ({
      toolCalls: [
        { ...base.toolCalls[0]!, outputText: JSON.stringify({ success: true, kpi: 100 + index }), status: 'denied' },
      ],
    }),
  ];

  it('turns none of 200 runs green', async () => {
    const metrics = open(scriptedModel([{ text: '{"value": 100, "why": "perfect"}' }]));
    await metrics.define([
      {
        id: 'cited',
        name: 'Cited',
        unit: '%',
        direction: 'up',
        target: 100,
        probe: { kind: 'citations', require: 'grounded' },
      },
      {
        id: 'tools',
        name: 'Tools',
        unit: '%',
        direction: 'up',
        target: 95,
        probe: { kind: 'tool-result', measure: 'success' },
      },
      { id: 'says', name: 'Says', unit: 'x', direction: 'up', target: 0, probe: { kind: 'run-field', field: 'text' } },
      {
        id: 'judged',
        name: 'Judged',
        unit: '%',
        direction: 'up',
        target: 50,
        probe: { kind: 'judge', question: 'Is it good?' },
      },
    ]);
    const outcomes: string[] = [];
    for (let index = 0; index < 200; index += 1) {
      const run = { ...base, runId: `run_${index}`, ...lies[index % lies.length]!(index) };
      outcomes.push((await metrics.measure(run)).outcome);
    }
    expect(outcomes.filter((outcome) => outcome === 'achieved')).toEqual([]);
    expect((await metrics.outcomes({ limit: 300 })).filter((one) => one.overclaimed)).toHaveLength(200);
  });

  it('gets an estimate for its judgement, which decides nothing', async () => {
    const metrics = open(scriptedModel([{ text: 'Sure! {"value": 90, "why": "good"}' }]));
    await metrics.define([
      {
        id: 'judged',
        name: 'Judged',
        unit: '%',
        direction: 'up',
        target: 50,
        probe: { kind: 'judge', question: 'Is it good?' },
      },
    ]);
    const { outcome, readings } = await metrics.measure(base);
    expect(readings[0]).toMatchObject({ value: 90, grade: 'estimated', status: 'met' });
    expect(outcome).toBe('unverified');
  });
});

describe('evaluate with a model', () => {
  const kpi: KpiDefinition = {
    id: 'items',
    name: 'Items',
    unit: 'items',
    direction: 'up',
    target: 5,
    probe: { kind: 'run-field', field: 'items' },
  };

  async function evaluate(answer: string) {
    const model = scriptedModel([{ text: answer }], { modelId: 'planner' });
    const metrics = open(model);
    await metrics.define([kpi]);
    await metrics.measure(createTestRun({ endedAt: clock.now(), startedAt: clock.now() - 1 }));
    return { evaluation: await metrics.evaluate(), model };
  }

  it('keeps what cites something real and drops the rest', async () => {
    const { evaluation } = await evaluate(
      JSON.stringify({
        summary: 'all is great, believe me',
        goingWell: [
          { text: 'Invented success', evidence: ['F99'] },
          { text: 'No evidence', evidence: [] },
        ],
        notGoingWell: [{ text: 'Too few items', evidence: ['F1', 'F99'] }],
        rootCauses: [{ text: 'One run only', evidence: ['run_1'] }],
        adjustments: [
          { adjustment: { type: 'search-terms', add: ['rust'] }, why: 'more items', evidence: ['F1'] },
          { adjustment: { type: 'format-disk' }, why: 'more room', evidence: ['F1'] },
          { adjustment: { type: 'schedule', cron: '0 5 * * *' }, why: 'guess', evidence: ['nothing'] },
        ],
      }),
    );
    expect(evaluation).toMatchObject({
      goingWell: [],
      notGoingWell: [{ text: 'Too few items', evidence: ['F1'] }],
      rootCauses: [{ text: 'One run only', evidence: ['run_1'] }],
      adjustments: [{ title: 'Add search term rust', kpiIds: ['items'] }],
      dropped: 4,
      writtenBy: 'planner',
    });
    expect(evaluation.summary).not.toContain('believe me');
  });

  it('lets the statistics speak when the model does not', async () => {
    const { evaluation } = await evaluate('I would rather talk about something else.');
    expect(evaluation.writtenBy).toBe('statistics');
    expect(evaluation.modelError).toContain('without JSON');
    expect(evaluation.notGoingWell[0]?.text).toContain('median 2 items against a target of 5');
  });

  it('is due after a breach, enough runs, or enough time', async () => {
    const metrics = openMetrics({ store: createMemoryStore(), clock, timeZone: 'UTC', evaluation: { everyRuns: 3 } });
    await metrics.define([{ ...kpi, target: 2 }]);
    const run = async (runId: string, items = 2): Promise<void> => {
      clock.advance(3_600_000);
      const { briefing } = createTestRun();
      await metrics.measure(
        createTestRun({
          runId,
          startedAt: clock.now() - 1,
          endedAt: clock.now(),
          briefing: { ...briefing!, items: briefing!.items.slice(0, items) },
        }),
      );
    };
    expect(await metrics.evaluationDue()).toBeUndefined();
    await run('1');
    expect(await metrics.evaluationDue()).toBeUndefined();
    await run('2');
    await run('3');
    expect(await metrics.evaluationDue()).toBe('runs');
    await metrics.evaluate();
    expect(await metrics.evaluationDue()).toBeUndefined();
    clock.advance(86_400_000);
    await run('4', 0);
    expect(await metrics.evaluationDue()).toBe('breach');
    await metrics.evaluate();
    await run('5', 0);
    expect(await metrics.evaluationDue()).toBeUndefined();
    clock.advance(8 * 86_400_000);
    expect(await metrics.evaluationDue()).toBe('interval');
  });

  it('finds a step, a weekday season and missing data, and cites observations', async () => {
    const metrics = open();
    await metrics.define([{ ...kpi, target: 1 }]);
    const now = clock.now();
    for (let day = 100; day >= 0; day -= 1) {
      const value = 20 + ((day * 7919) % 5) * 0.2 + (day % 7 === 0 ? -4 : 0) + (day < 40 ? 8 : 0);
      await metrics.observe({ kpiId: 'items', value, at: now - day * 86_400_000, source: 'test', evidence: value });
    }
    await metrics.observe({ kpiId: 'items', reason: 'the disk was full', source: 'test' });
    const { findings } = await metrics.evaluate({ windowMs: 120 * 86_400_000 });
    const kinds = findings.map((finding) => finding.kind);
    expect(kinds).toEqual(expect.arrayContaining(['level', 'change-point', 'weekday', 'missing-data']));
    const known = new Set((await metrics.observations()).map((one) => one.id));
    expect(findings.flatMap((finding) => finding.evidence).every((id) => known.has(id))).toBe(true);
  });
});
