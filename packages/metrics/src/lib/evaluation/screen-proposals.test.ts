import { createMemoryApprovals } from '@genie/core';
import { type Approvals, createIds, type JsonObject } from '@genie/core/ports';
import { type FixedClock, fixedClock } from '@genie/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SettingsTarget } from '../adjustments/settings.ts';
import type { Metrics } from '../metrics.ts';
import { openMetrics } from '../open-metrics.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createTestRun } from '../testing/test-run.ts';

const dayMs = 86_400_000;
const poor = 'https://b.example/feed';
let clock: FixedClock;
let approvals: Approvals;
let metrics: Metrics;
let settings: JsonObject;

beforeEach(() => {
  clock = fixedClock();
  const ids = createIds(clock);
  approvals = createMemoryApprovals({ clock, ids });
  settings = {
    sources: [
      { kind: 'feed', location: 'https://a.example/feed' },
      { kind: 'feed', location: poor },
    ],
  };
  const target: SettingsTarget = {
    read: async () => settings,
    write: async (next) => {
      settings = next;
    },
  };
  metrics = openMetrics({
    store: createMemoryStore(),
    clock,
    ids,
    timeZone: 'UTC',
    settings: target,
    approvals,
    genieId: 'g',
  });
});

let count = 0;
async function runs(times: number): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    clock.advance(3_600_000);
    const run = createTestRun({ runId: `run_${count++}`, startedAt: clock.now() - 1, endedAt: clock.now() });
    await metrics.measure({ ...run, briefing: { ...run.briefing!, items: [run.briefing!.items[0]!] } });
  }
}

describe('proposals', () => {
  it('are asked about once while the user has not answered', async () => {
    await runs(3);
    const first = await metrics.evaluate();
    const second = await metrics.evaluate();
    expect(second.adjustments[0]).toMatchObject({
      id: first.adjustments[0]?.id,
      approvalId: first.adjustments[0]?.approvalId,
    });
    expect(await approvals.list({ kind: 'adjustment' })).toHaveLength(1);
  });

  it('are not repeated for four weeks after a no', async () => {
    await runs(3);
    const { adjustments } = await metrics.evaluate();
    await approvals.decide(adjustments[0]!.approvalId!, { verdict: 'deny', by: 'user' });
    expect(await metrics.evaluate()).toMatchObject({
      adjustments: [],
      withheld: [{ title: `Remove source ${poor}`, reason: 'you said no lately' }],
    });
    clock.advance(29 * dayMs);
    await runs(3);
    expect((await metrics.evaluate()).adjustments).toHaveLength(1);
  });

  it('are not repeated when they are adopted, or were undone lately', async () => {
    await runs(3);
    const proposal = (await metrics.evaluate()).adjustments[0]!;
    await approvals.decide(proposal.approvalId!, { verdict: 'allow-once', by: 'user' });
    const change = await metrics.changes.adopt({ proposal, approvalId: proposal.approvalId! });
    expect(await metrics.evaluate()).toMatchObject({
      adjustments: [],
      withheld: [{ reason: 'the settings are like that already' }],
    });
    await metrics.changes.undo(change.id, { reason: 'fewer items', by: 'guard' });
    expect(await metrics.evaluate()).toMatchObject({
      adjustments: [],
      withheld: [{ reason: 'it was adopted and undone: fewer items' }],
    });
  });

  it('are not made about a source that the genie no longer has', async () => {
    await runs(3);
    clock.advance(1000);
    const run = createTestRun({ runId: 'last', startedAt: clock.now() - 1, endedAt: clock.now() });
    await metrics.measure({ ...run, sources: [run.sources[0]!] });
    expect((await metrics.evaluate()).findings.filter((finding) => finding.kind === 'useless-source')).toEqual([]);
  });
});

describe('patterns', () => {
  it('propose to wake only at hours that find something', async () => {
    const start = clock.now();
    for (let hour = 0; hour < 24 * 7; hour += 6) {
      const endedAt = start + hour * 3_600_000 + 60_000;
      const items = hour % 24 === 6 ? [{ id: 'x', text: '', citations: [] }] : [];
      const run = createTestRun({
        runId: `hour_${hour}`,
        startedAt: endedAt - 60_000,
        endedAt,
        trigger: { kind: 'schedule', dueAt: endedAt },
      });
      await metrics.measure({ ...run, briefing: { title: '', markdown: '', items } });
    }
    clock.advance(8 * dayMs);
    const { adjustments, findings } = await metrics.evaluate();
    expect(findings.find((finding) => finding.kind === 'wasted-wakes')?.numbers).toMatchObject({
      wakes: 28,
      wasted: 21,
    });
    expect(adjustments.find((one) => one.adjustment.type === 'schedule')).toMatchObject({
      adjustment: { cron: '0 6 * * *' },
      expectedGain: '21 of 28 wakes less, without missing what 1 of 4 hours brought',
    });
  });

  it('propose to stop a tool that mostly fails, and notice chains and overclaims', async () => {
    const call = createTestRun().toolCalls[0]!;
    for (let index = 0; index < 4; index += 1) {
      clock.advance(1000);
      const toolCalls = ['search', 'read', 'read'].map((tool, at) => ({
        ...call,
        callId: `${at}`,
        tool,
        input: { query: 'x' },
        status: tool === 'read' ? ('failed' as const) : ('completed' as const),
      }));
      await metrics.measure(
        createTestRun({ runId: `chain_${index}`, startedAt: clock.now() - 1, endedAt: clock.now(), toolCalls }),
      );
    }
    const { adjustments, findings } = await metrics.evaluate();
    expect(findings.map((finding) => finding.kind)).toEqual(
      expect.arrayContaining(['failing-tool', 'repeated-chain', 'overclaim']),
    );
    expect(adjustments.map((one) => one.title)).toContain('Tool read: deny');
  });
});
