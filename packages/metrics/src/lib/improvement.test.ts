import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openApprovals } from '@genie/core';
import type { RunRecord, Source } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import { expect, it } from 'vitest';
import { settingsFile } from './adjustments/settings-file.ts';
import type { Trial } from './experiments/experiment.ts';
import { openExperiments } from './experiments/open-experiments.ts';
import { openMetrics } from './open-metrics.ts';
import { dashboardToHtml } from './report/html.ts';
import { dashboardToText } from './report/terminal.ts';
import { createTestRun } from './testing/test-run.ts';

const good = 'https://good.example/feed';
const poor = 'https://poor.example/feed';

/** A genie as its settings make it: the poor source cannot be reached and costs a failed call. */
function wake(runId: string, sources: readonly Source[], endedAt: number): RunRecord {
  const base = createTestRun();
  const toolCalls = sources.map((source, index) => {
    const reached = source.location === good;
    return {
      ...base.toolCalls[0]!,
      callId: `c${index}`,
      input: { url: source.location },
      outputText: '{}',
      status: reached ? ('completed' as const) : ('failed' as const),
    };
  });
  const items = [{ id: `${runId}-1`, text: 'news', citations: [{ source: good, location: `${good}/1` }] }];
  const briefing = { title: 'News', markdown: '', items };
  return { ...base, runId, sources, toolCalls, briefing, startedAt: endedAt - 60_000, endedAt };
}

function readSources(folder: string): Source[] {
  return (JSON.parse(readFileSync(path.join(folder, 'genie.json'), 'utf8')) as { sources: Source[] }).sources;
}

it('improves itself: KPIs with evidence, a poor source proposed, tried, approved, adopted, and the gain in the report', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'genie-improve-'));
  const home = path.join(root, 'home');
  mkdirSync(home);
  const sources: Source[] = [
    { kind: 'feed', location: good },
    { kind: 'feed', location: poor },
  ];
  writeFileSync(path.join(home, 'genie.json'), JSON.stringify({ format: 1, goal: 'news', sources }));
  const clock = fixedClock('2026-03-02T05:00:00Z');
  const approvals = openApprovals({ dir: path.join(home, 'approvals'), clock });
  const genieId = 'genie_1';
  const settings = settingsFile(path.join(home, 'genie.json'));
  const metrics = openMetrics({
    dir: path.join(home, 'memory', 'metrics'),
    clock,
    timeZone: 'UTC',
    settings,
    approvals,
    genieId,
  });
  const day = async (index: number): Promise<void> => {
    await metrics.measure(wake(`run_${index}`, readSources(home), clock.now()));
    clock.advance(86_400_000);
  };

  for (const index of [1, 2, 3]) await day(index);
  const [reading] = (await metrics.outcomes())[0]!.readings.filter((one) => one.kpiId === 'sources-reached');
  expect(reading).toMatchObject({ value: 50, status: 'missed', grade: 'measured' });
  expect(reading?.evidenceHash).toMatch(/^[0-9a-f]{64}$/);

  const evaluation = await metrics.evaluate();
  const proposal = evaluation.adjustments.find((one) => one.title === `Remove source ${poor}`)!;
  expect(proposal.evidence).toEqual(['run_1', 'run_2', 'run_3']);

  const trial: Trial = async ({ folder, caseId }) => ({
    run: wake(caseId, readSources(folder), clock.now()),
    recordedCalls: 2,
  });
  const experiments = openExperiments({
    dir: path.join(root, 'experiments'),
    clock,
    approvals,
    genieId,
    changes: metrics.changes,
  });
  const report = await experiments.run({
    title: proposal.title,
    folder: home,
    change: { kind: 'adjustment', proposal },
    trial,
    cases: proposal.evidence.slice(0, 3),
    kpis: await metrics.definitions(),
    requestedBy: 'adjustment',
  });
  expect(report).toMatchObject({ recommendation: 'adopt', why: expect.stringContaining('50 → 100 %') });
  expect(readSources(home)).toHaveLength(2);

  await approvals.decide(proposal.approvalId!, { verdict: 'allow-once', by: 'user' });
  await experiments.adopt(report.id, { approvalId: proposal.approvalId! });
  expect(readSources(home).map((source) => source.location)).toEqual([good]);

  for (const index of [4, 5, 6, 7]) await day(index);
  expect((await metrics.changes.list())[0]?.state).toBe('adopted');
  const dashboard = await metrics.dashboard({ days: 30 });
  const reached = dashboard.kpis.find((kpi) => kpi.kpiId === 'sources-reached')!;
  expect(reached.points.map((point) => point.value)).toEqual([50, 50, 50, 100, 100, 100, 100]);
  const text = dashboardToText(dashboard);
  expect(text).toContain(`Remove source ${poor}`);
  expect(text).toMatch(/Sources reached +100 % +≥ 100 +▁▁▁████/);
  const html = dashboardToHtml(dashboard, { title: '<News>', evaluation, experiments: await experiments.list() });
  expect(html).toContain('<h1>&lt;News&gt;</h1>');
  expect(html).toContain(`Remove source ${poor}`);
  expect(html.match(/<polyline/g)).toHaveLength(3);
  expect(html).toContain('<strong>adopt</strong>: Sources reached gets better');
  expect(html).not.toMatch(/<script|https?:\/\/(?!good|poor)/);
  await experiments.close();
  await metrics.close();
  await approvals.close();
  rmSync(root, { recursive: true, force: true });
});
