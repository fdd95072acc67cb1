// The process that the soak kills: observes, measures, evaluates, adopts and undoes without pause, and says what was acknowledged.
import path from 'node:path';
import { openApprovals } from '@genie/core';
import type { RunRecord } from '@genie/core/ports';
import { adjustmentAction, openExperiments, openMetrics, settingsFile } from '@genie/metrics';
import { createTestRun } from '@genie/metrics/testing';

const home = process.argv[2] ?? '';
const first = Number(process.argv[3] ?? 0);
const genieId = 'genie_1';
const approvals = openApprovals({ dir: path.join(home, 'approvals') });
const metrics = openMetrics({
  dir: path.join(home, 'memory', 'metrics'),
  settings: settingsFile(path.join(home, 'genie.json')),
  approvals,
  genieId,
  timeZone: 'UTC',
});
const say = (kind: string, id: string): boolean => process.stdout.write(`${kind} ${id}\n`);

const experiments = openExperiments({ dir: path.join(home, '..', 'experiments'), approvals, genieId });
const edits = ['a.txt', 'b.txt', 'c.txt'].map((name) => ({ path: name, content: 'new' }));
const kpis = await metrics.definitions();

await metrics.changes.recover();
await experiments.recover();
say('ready', '-');
for (let turn = first; ; turn += 1) {
  say('phase', 'observe');
  for (let index = 0; index < 5; index += 1) {
    const [receipt] = await metrics.observe({
      kpiId: 'items-cited',
      value: turn + index,
      source: 'soak',
      key: `${turn}/${index}`,
    });
    say('observed', receipt?.id ?? '');
  }
  const run: RunRecord = createTestRun({ runId: `run_${turn}`, startedAt: Date.now() - 1, endedAt: Date.now() });
  say('phase', 'measure');
  await metrics.measure(run);
  say('measured', run.runId);
  say('phase', 'evaluate');
  const evaluation = await metrics.evaluate();
  say('evaluated', evaluation.id);
  const proposal = {
    id: `adjustment_${turn}`,
    adjustment: { type: 'sources' as const, remove: ['https://b.example/feed'] },
  };
  const { id: approvalId } = await approvals.request({ action: adjustmentAction(proposal, genieId), title: 'soak' });
  await approvals.decide(approvalId, { verdict: 'allow-once', by: 'soak' });
  say('phase', 'adopt');
  const change = await metrics.changes.adopt({ proposal, approvalId, guards: [] });
  say('adopted', change.id);
  say('phase', 'undo');
  await metrics.changes.undo(change.id, { reason: 'soak', by: 'soak' });
  say('undone', change.id);

  const { id } = await experiments.run({
    title: 'soak',
    folder: path.join(home, '..', 'project'),
    change: { kind: 'files', edits },
    trial: async () => ({ values: {} }),
    cases: ['one'],
    kpis,
    requestedBy: 'user',
  });
  const asked = await approvals.request({ action: await experiments.adoptAction(id), title: 'soak' });
  await approvals.decide(asked.id, { verdict: 'allow-once', by: 'soak' });
  say('phase', 'adopt-files');
  await experiments.adopt(id, { approvalId: asked.id });
  say('files-adopted', id);
  say('phase', 'undo-files');
  await experiments.rollBack(id, { reason: 'soak', by: 'soak' });
  say('files-undone', id);
  await experiments.sweep({ keepExperiments: 1 });
}
