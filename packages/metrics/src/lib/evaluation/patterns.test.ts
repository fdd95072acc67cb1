import { describe, expect, it } from 'vitest';
import { openMetrics } from '../open-metrics.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createTestRun } from '../testing/test-run.ts';

const source = 'https://dead.example/feed';

async function titlesAfter(failingInput: string): Promise<readonly string[]> {
  const base = createTestRun();
  let now = base.endedAt;
  const metrics = openMetrics({ store: createMemoryStore(), timeZone: 'UTC', clock: { now: () => now } });
  for (const index of [1, 2, 3]) {
    now += 3_600_000;
    const failed = { ...base.toolCalls[0]!, callId: 'c9', input: { url: failingInput }, status: 'failed' as const };
    await metrics.measure({
      ...base,
      runId: `run_${index}`,
      sources: [...base.sources, { kind: 'feed', location: source }],
      toolCalls: [base.toolCalls[0]!, failed, failed],
      startedAt: now - 1000,
      endedAt: now,
    });
  }
  const { adjustments, findings } = await metrics.evaluate();
  expect(findings.map(({ kind }) => kind)).toContain('failing-tool');
  await metrics.close();
  return adjustments.map(({ title }) => title);
}

describe('failing tools', () => {
  it('are proposed to be denied when they fail by themselves', async () => {
    expect(await titlesAfter('https://anything.example')).toContain('Tool feed.read: deny');
  });

  it('are not blamed for a dead source: that one is proposed to go', async () => {
    const titles = await titlesAfter(source);
    expect(titles).toContain(`Remove source ${source}`);
    expect(titles).not.toContain('Tool feed.read: deny');
  });
});

describe('the first review', () => {
  it('is called for by a KPI that is missed in three runs, and not by one bad run', async () => {
    const base = createTestRun();
    let now = base.endedAt;
    const metrics = openMetrics({ store: createMemoryStore(), timeZone: 'UTC', clock: { now: () => now } });
    const due: (string | undefined)[] = [];
    for (const index of [1, 2, 3]) {
      now += 60_000;
      await metrics.measure({ ...base, runId: `run_${index}`, toolCalls: [], startedAt: now - 1000, endedAt: now });
      due.push(await metrics.evaluationDue());
    }
    expect(due).toEqual([undefined, undefined, 'breach']);
    now += 1;
    await metrics.evaluate();
    now += 60_000;
    await metrics.measure({ ...base, runId: 'run_4', toolCalls: [], startedAt: now - 1000, endedAt: now });
    expect(await metrics.evaluationDue()).toBeUndefined();
    await metrics.close();
  });
});
