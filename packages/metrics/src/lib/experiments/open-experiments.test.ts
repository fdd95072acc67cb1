import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createMemoryApprovals } from '@genie/core';
import { type Approvals, createIds, type KpiDefinition } from '@genie/core/ports';
import { fixedClock } from '@genie/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SettingsTarget } from '../adjustments/settings.ts';
import { settingsFile } from '../adjustments/settings-file.ts';
import { adjustmentAction } from '../evaluation/request-approvals.ts';
import { openMetrics } from '../open-metrics.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createTestRun } from '../testing/test-run.ts';
import type { ExperimentRequest, Trial } from './experiment.ts';
import { openExperimentStore } from './experiment-store.ts';
import { adoptEdits, recoverAdoption } from './file-edits.ts';
import { type Experiments, openExperiments } from './open-experiments.ts';
import { processTrial } from './process-trial.ts';

const clock = fixedClock();
const ids = createIds(clock);
const genieId = 'genie_1';
let root: string;
let home: string;
let approvals: Approvals;
let experiments: Experiments;

const kpis: KpiDefinition[] = [
  { id: 'useful', name: 'Useful items', unit: '%', direction: 'up', target: 90, probe: { kind: 'citations' } },
  {
    id: 'speed',
    name: 'Time',
    unit: 'ms',
    direction: 'down',
    target: 100,
    probe: { kind: 'run-field', field: 'tookMs' },
  },
];
const proposal = { id: 'adjustment_1', adjustment: { type: 'sources' as const, remove: ['https://b.example/feed'] } };
const cases = ['run_1', 'run_2', 'run_3', 'run_4'];

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'genie-experiments-'));
  home = path.join(root, 'home');
  mkdirSync(path.join(home, 'src'), { recursive: true });
  writeFileSync(
    path.join(home, 'genie.json'),
    JSON.stringify({ sources: [{ location: 'https://a.example/feed' }, { location: 'https://b.example/feed' }] }),
  );
  writeFileSync(path.join(home, 'src', 'a.js'), 'export const answer = 1;\n');
  approvals = createMemoryApprovals({ clock, ids });
  experiments = openExperiments({ dir: path.join(root, 'experiments'), clock, approvals, genieId });
});
afterEach(async () => {
  await experiments.close();
  rmSync(root, { recursive: true, force: true });
});

/** Reads the copy's settings: fewer sources, fewer useless items. */
const trial: Trial = async ({ folder }) => {
  const { sources } = JSON.parse(readFileSync(path.join(folder, 'genie.json'), 'utf8')) as { sources: unknown[] };
  return { values: { useful: sources.length === 1 ? 95 : 60, speed: 50 + sources.length }, costUsd: 0.25, tokens: 10 };
};

function request(changes: Partial<ExperimentRequest> = {}): ExperimentRequest {
  const change = { kind: 'adjustment' as const, proposal };
  return { title: 'without b', folder: home, change, trial, cases, kpis, requestedBy: 'user', ...changes };
}

describe('experiments.run', () => {
  it('tries the change in a copy, compares, recommends, and leaves the original alone', async () => {
    const before = readFileSync(path.join(home, 'genie.json'), 'utf8');
    const report = await experiments.run(request());
    expect(report.recommendation).toBe('adopt');
    expect(report.comparisons[0]).toMatchObject({
      kpiId: 'useful',
      baseline: 60,
      changed: 95,
      verdict: 'better',
      effect: { shift: 35, low: 35, high: 35, pairs: 4 },
    });
    expect(report.cost).toMatchObject({ usd: 2, tokens: 80 });
    expect(readFileSync(path.join(home, 'genie.json'), 'utf8')).toBe(before);
    expect(await experiments.metrics(report.id)).toHaveLength(16);
    expect((await experiments.history(report.id)).map((one) => one.event)).toEqual(['created', 'created', 'changed']);
    expect(readFileSync(path.join(root, 'experiments', 'reports', `${report.id}.md`), 'utf8')).toContain(
      '**Recommendation: adopt**',
    );
  });

  it('recommends to roll back what hurts a guard, fails, or hides the data', async () => {
    const worse: Trial = async ({ variant }) => ({ values: { useful: 80, speed: variant === 'changed' ? 200 : 50 } });
    const failing: Trial = async ({ variant }) => {
      if (variant === 'changed') throw new Error('broken');
      return { values: { useful: 80, speed: 50 } };
    };
    const hiding: Trial = async ({ variant }) => ({
      values: variant === 'changed' ? { useful: 99 } : { useful: 80, speed: 50 },
    });
    for (const [bad, why] of [
      [worse, 'Time gets worse'],
      [failing, '4 cases failed with the change'],
      [hiding, 'lost the data of speed'],
    ] as const) {
      const report = await experiments.run(request({ trial: bad }));
      expect(report).toMatchObject({ recommendation: 'roll back', why: expect.stringContaining(why) });
    }
  });

  it('recommends to adapt when nothing is clear or too little was tried', async () => {
    const same: Trial = async () => ({ values: { useful: 80, speed: 50 } });
    expect((await experiments.run(request({ trial: same }))).recommendation).toBe('adapt');
    expect((await experiments.run(request({ cases: ['run_1', 'run_2'] }))).recommendation).toBe('adapt');
  });

  it('does not adopt on estimates or claims', async () => {
    const run = createTestRun({ text: '5' });
    const claiming: Trial = async ({ variant }) => ({ run: { ...run, text: variant === 'changed' ? '100' : '1' } });
    const own: KpiDefinition[] = [
      {
        id: 'claimed',
        name: 'Claimed',
        unit: 'x',
        direction: 'up',
        target: 1,
        probe: { kind: 'run-field', field: 'text' },
      },
    ];
    const report = await experiments.run(request({ trial: claiming, kpis: own }));
    expect(report.comparisons[0]?.verdict).toBe('no-data');
    expect(report.recommendation).toBe('adapt');
  });

  it('measures the runs of a trial with the probes, in a store of its own', async () => {
    const replaying: Trial = async ({ caseId }) => ({ run: createTestRun({ runId: caseId }) });
    const report = await experiments.run(request({ trial: replaying }));
    expect(report.comparisons[0]).toMatchObject({ baseline: 100, changed: 100, verdict: 'same' });
    expect(existsSync(path.join(root, 'experiments', 'measured', report.id, 'changed', 'observations.jsonl'))).toBe(
      true,
    );
  });

  it('stops at its budget', async () => {
    const report = await experiments.run(request({ budget: { usd: 1 } }));
    expect(report).toMatchObject({ cases: 2, stoppedBy: 'the budget of 1 USD is spent' });
  });

  it('runs a trial in a process of its own, and survives its death', async () => {
    const module = path.join(root, 'trial.mjs');
    writeFileSync(
      module,
      `import { writeFileSync } from 'node:fs';
      export async function trial({ variant, folder, caseId }) {
        writeFileSync(folder + '/written-by-' + process.pid, '');
        if (caseId === 'die') process.exit(3);
        if (caseId === 'hang') await new Promise(() => setInterval(() => {}, 1000));
        return { values: { useful: process.pid === ${process.pid} ? 0 : 77, speed: 1 } };
      }`,
    );
    const own = processTrial({ module: `file://${module}`, timeoutMs: 1000 });
    const report = await experiments.run(request({ trial: own, cases: ['a', 'die', 'hang'] }));
    expect(report).toMatchObject({
      failed: { baseline: 2, changed: 2 },
      comparisons: [{ baseline: 77, changed: 77 }, {}],
    });
    expect((await experiments.metrics(report.id)).find((one) => one.caseId === 'die')?.reason).toContain('exit code 3');
    expect(readdirSync(home).sort()).toEqual(['genie.json', 'src']);
  }, 60_000);

  it('refuses edits that lead out, a folder inside itself, and requests without cases', async () => {
    const edits = (name: string) => ({ change: { kind: 'files' as const, edits: [{ path: name, content: 'x' }] } });
    for (const name of ['../out', '/etc/passwd', 'a/../../out', 'C:\\windows\\x']) {
      await expect(experiments.run(request(edits(name)))).rejects.toMatchObject({ code: 'GENIE_EXPERIMENT_CHANGE' });
    }
    await expect(experiments.run(request({ cases: [] }))).rejects.toMatchObject({ code: 'GENIE_EXPERIMENT_REQUEST' });
    await expect(experiments.run(request({ folder: root }))).rejects.toMatchObject({
      code: 'GENIE_EXPERIMENT_REQUEST',
    });
  });

  it('fails cleanly when it is aborted', async () => {
    const controller = new AbortController();
    const aborting: Trial = async () => {
      controller.abort(new Error('enough'));
      return { values: {} };
    };
    await expect(experiments.run(request({ trial: aborting, signal: controller.signal }))).rejects.toThrow('enough');
    expect(await experiments.list()).toMatchObject([{ state: 'failed', error: 'enough' }]);
  });
});

describe('experiments.adopt and rollBack', () => {
  const edits = [
    { path: 'src/a.js', content: 'export const answer = 2;\n' },
    { path: 'src/new.js', content: 'x' },
    { path: 'genie.json', content: null },
  ];

  async function finishedFiles(): Promise<string> {
    return (
      await experiments.run(
        request({ change: { kind: 'files', edits }, trial: async () => ({ values: { useful: 1 } }) }),
      )
    ).id;
  }

  it('brings file edits to the original for exactly this approval, and takes them back', async () => {
    const original = readFileSync(path.join(home, 'genie.json'), 'utf8');
    const id = await finishedFiles();
    const other = await approvals.request({
      action: { ...(await experiments.adoptAction(id)), subject: 'other' },
      title: 'other',
    });
    await approvals.decide(other.id, { verdict: 'allow-once', by: 'user' });
    await expect(experiments.adopt(id, { approvalId: other.id })).rejects.toMatchObject({
      code: 'GENIE_ADJUSTMENT_NOT_ALLOWED',
    });
    await expect(experiments.adopt(id, { approvalId: 'none' })).rejects.toMatchObject({
      code: 'GENIE_APPROVAL_UNKNOWN',
    });
    const { id: approvalId } = await approvals.request({ action: await experiments.adoptAction(id), title: 'adopt' });
    await approvals.decide(approvalId, { verdict: 'allow-once', by: 'user' });
    await experiments.adopt(id, { approvalId });
    expect(readFileSync(path.join(home, 'src', 'a.js'), 'utf8')).toContain('2');
    expect(existsSync(path.join(home, 'genie.json'))).toBe(false);
    await experiments.rollBack(id, { reason: 'no', by: 'user' });
    expect(readFileSync(path.join(home, 'src', 'a.js'), 'utf8')).toBe('export const answer = 1;\n');
    expect(existsSync(path.join(home, 'src', 'new.js'))).toBe(false);
    expect(readFileSync(path.join(home, 'genie.json'), 'utf8')).toBe(original);
    expect(await experiments.get(id)).toMatchObject({ state: 'rolled-back', error: 'no' });
  });

  it('finishes an adoption that a crash cut short', async () => {
    const plan = path.join(root, 'plan.json');
    adoptEdits(plan, home, edits);
    const half = JSON.parse(readFileSync(plan, 'utf8')) as { state: string };
    writeFileSync(plan, JSON.stringify({ ...half, state: 'adopting' }));
    writeFileSync(path.join(home, 'src', 'a.js'), 'export const answer = 1;\n');
    expect(recoverAdoption(plan)).toBe('adopted');
    expect(readFileSync(path.join(home, 'src', 'a.js'), 'utf8')).toContain('2');
    expect(recoverAdoption(plan)).toBe('adopted');
    expect(recoverAdoption(path.join(root, 'none.json'))).toBeUndefined();
  });

  it('goes on where a crash came between the files and the record', async () => {
    const id = await finishedFiles();
    const { id: approvalId } = await approvals.request({ action: await experiments.adoptAction(id), title: 'adopt' });
    await approvals.decide(approvalId, { verdict: 'allow-once', by: 'user' });
    const adopted = await experiments.adopt(id, { approvalId });
    const store = openExperimentStore(path.join(root, 'experiments'));
    await store.save({ ...adopted, state: 'finished' });
    expect(await experiments.recover()).toMatchObject([{ id, state: 'adopted' }]);
    await store.save({ ...adopted, state: 'undoing' });
    expect(await experiments.recover()).toMatchObject([{ id, state: 'rolled-back' }]);
    expect(readFileSync(path.join(home, 'src', 'a.js'), 'utf8')).toBe('export const answer = 1;\n');
    await store.save({ ...adopted, state: 'undoing' });
    expect(await experiments.recover()).toMatchObject([{ id, state: 'rolled-back' }]);
    expect(await experiments.recover()).toEqual([]);
    await store.close();
  });

  it('adopts an adjustment through changes, and rolls it back', async () => {
    const target: SettingsTarget = settingsFile(path.join(home, 'genie.json'));
    const before = await target.read();
    const metrics = openMetrics({
      dir: path.join(home, 'memory', 'metrics'),
      clock,
      ids,
      settings: target,
      approvals,
      genieId,
    });
    const own = openExperiments({ dir: path.join(root, 'other'), clock, approvals, genieId, changes: metrics.changes });
    const { id } = await own.run(request());
    const row = await approvals.request({ action: adjustmentAction(proposal, genieId), title: 'x' });
    await approvals.decide(row.id, { verdict: 'allow-once', by: 'user' });
    await own.adopt(id, { approvalId: row.id });
    expect((await target.read()).sources).toHaveLength(1);
    expect(await metrics.changes.list()).toMatchObject([{ state: 'adopted', experimentId: id }]);
    await own.rollBack(id, { reason: 'no', by: 'user' });
    expect(await target.read()).toEqual(before);
    await own.close();
    await metrics.close();
  });

  it('refuses to roll back, or adopt, what it could not restore', async () => {
    const target: SettingsTarget = settingsFile(path.join(home, 'genie.json'));
    const metrics = openMetrics({
      dir: path.join(home, 'memory', 'metrics'),
      clock,
      ids,
      settings: target,
      approvals,
      genieId,
    });
    const dir = path.join(root, 'without-changes');
    const own = openExperiments({ dir, clock, approvals, genieId, changes: metrics.changes });
    const { id } = await own.run(request());
    const row = await approvals.request({ action: adjustmentAction(proposal, genieId), title: 'x' });
    await approvals.decide(row.id, { verdict: 'allow-once', by: 'user' });
    const without = openExperiments({ dir, clock, approvals, genieId });
    const refused = { code: 'GENIE_EXPERIMENT_STATE', message: expect.stringContaining('needs `changes`') };
    await expect(without.adopt(id, { approvalId: row.id })).rejects.toMatchObject(refused);
    await own.adopt(id, { approvalId: row.id });
    const adopted = await target.read();
    await expect(without.rollBack(id, { reason: 'no', by: 'user' })).rejects.toMatchObject(refused);
    expect(await without.get(id)).toMatchObject({ state: 'adopted' });
    expect(await target.read()).toEqual(adopted);
    // With the changes of another home there is nothing to restore either.
    const elsewhere = openMetrics({ dir: path.join(root, 'elsewhere'), settings: target, approvals, genieId });
    const stranger = openExperiments({ dir, clock, approvals, genieId, changes: elsewhere.changes });
    await expect(stranger.rollBack(id, { reason: 'no', by: 'user' })).rejects.toMatchObject({
      code: 'GENIE_EXPERIMENT_STATE',
      message: expect.stringContaining('not in the log of changes'),
    });
    expect(await target.read()).toEqual(adopted);
    for (const open of [own, without, stranger, elsewhere, metrics]) await open.close();
  });

  it('leaves an experiment that another process conducts alone', async () => {
    const dir = path.join(root, 'shared');
    const ends = Promise.withResolvers<void>();
    const own = openExperiments({ dir, clock, approvals, genieId });
    const started = Promise.withResolvers<void>();
    const running = own.run(
      request({
        trial: async () => {
          started.resolve();
          await ends.promise;
          return { values: { useful: 1 } };
        },
      }),
    );
    await started.promise;
    // The claim of a process that lives: the one that runs these tests was started by it.
    const [row] = await own.list();
    writeFileSync(path.join(dir, 'running', `${row?.id}.pid`), String(process.ppid));
    const other = openExperiments({ dir, clock, approvals, genieId });
    expect(await other.recover()).toEqual([]);
    expect(await other.sweep({ keepExperiments: 0 })).toEqual([]);
    writeFileSync(path.join(dir, 'running', `${row?.id}.pid`), '999999999');
    expect(await other.recover()).toMatchObject([{ state: 'failed', error: 'the process ended in the middle' }]);
    ends.resolve();
    await running;
    await other.close();
    await own.close();
  });

  it('rolls adopted file edits back when a KPI gets worse in the runs after', async () => {
    const id = await finishedFiles();
    const { id: approvalId } = await approvals.request({ action: await experiments.adoptAction(id), title: 'adopt' });
    await approvals.decide(approvalId, { verdict: 'allow-once', by: 'user' });
    const metrics = openMetrics({ store: createMemoryStore(), clock, timeZone: 'UTC', fallbackKpis: [kpis[0]!] });
    const run = async (index: number, cited: number) => {
      clock.advance(3_600_000);
      const items = [1, 2, 3, 4].map((item) => ({
        id: `${item}`,
        text: '',
        citations: item <= cited ? [{ source: 's', location: 'l' }] : [],
      }));
      await metrics.measure(
        createTestRun({
          runId: `run_${index}`,
          startedAt: clock.now() - 1,
          endedAt: clock.now(),
          briefing: { title: '', markdown: '', items },
        }),
      );
      return experiments.watch(await metrics.outcomes());
    };
    for (const index of [0, 1, 2, 3]) await run(index, 4);
    await experiments.adopt(id, { approvalId });
    expect([await run(4, 2), await run(5, 2)]).toEqual([[], []]);
    expect(await run(6, 2)).toMatchObject([
      { id, state: 'rolled-back', error: expect.stringContaining('Useful items got worse') },
    ]);
    expect(readFileSync(path.join(home, 'src', 'a.js'), 'utf8')).toBe('export const answer = 1;\n');
    expect(await run(7, 2)).toEqual([]);
  });

  it('keeps copies for audit and sweeps them by policy, but never records', async () => {
    const first = await experiments.run(request());
    const second = await experiments.run(request());
    const copies = path.join(root, 'experiments', 'copies');
    expect(existsSync(path.join(copies, `${first.id}-changed`))).toBe(true);
    expect(await experiments.sweep({ keepExperiments: 1 })).toEqual([first.id]);
    expect(existsSync(path.join(copies, `${first.id}-changed`))).toBe(false);
    expect(existsSync(path.join(copies, `${second.id}-changed`))).toBe(true);
    expect(await experiments.get(first.id)).toMatchObject({ report: { recommendation: 'adopt' } });
    expect((await experiments.history(first.id)).filter((one) => one.event === 'swept')).toHaveLength(2);
  });

  it('marks an experiment whose process died', async () => {
    const rows = await experiments.list();
    expect(rows).toEqual([]);
    const hang: Trial = () => new Promise(() => undefined);
    void experiments.run(request({ trial: hang })).catch(() => undefined);
    await expect.poll(async () => (await experiments.list())[0]?.state).toBe('running');
    const other = openExperiments({ dir: path.join(root, 'experiments'), clock });
    expect(await other.recover()).toMatchObject([{ state: 'failed', error: 'the process ended in the middle' }]);
    await other.close();
  });

  it('copies what was appended while it ran only into the next copy', async () => {
    const first = await experiments.run(request());
    appendFileSync(path.join(home, 'src', 'a.js'), '// more\n');
    const copy = path.join(root, 'experiments', 'copies', `${first.id}-baseline`, 'src', 'a.js');
    expect(readFileSync(copy, 'utf8')).toBe('export const answer = 1;\n');
  });
});
