import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createGenie } from './create-genie.ts';
import { fixedClock } from './testing/fixed-clock.ts';
import { scriptedModel } from './testing/scripted-model.ts';
import { createVolatileMetrics } from './testing/volatile-metrics.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('genie.update', () => {
  it('counts from the next run on, and leaves a run under way as it is', async () => {
    const seen: string[][] = [];
    const watch = async ({ sources }: { readonly sources: readonly { readonly location: string }[] }) => {
      seen.push(sources.map(({ location }) => location));
      if (seen.length === 1) await genie.update({ sources: [{ kind: 'feed', location: 'new' }], budget: { steps: 3 } });
      return { wake: true, reason: 'always' };
    };
    const model = scriptedModel([{ text: '## One\n- a' }, { text: '## Two\n- b' }]);
    const genie = createGenie({ goal: 'x', model, sources: [{ kind: 'feed', location: 'old' }], wakeGate: watch });
    expect((await genie.run().outcome).status).toBe('completed');
    expect((await genie.run().outcome).status).toBe('completed');
    expect(seen).toEqual([['old'], ['new']]);
    expect(JSON.stringify(model.requests[0]?.prompt)).toContain('feed: old');
    expect(JSON.stringify(model.requests[1]?.prompt)).toContain('feed: new');
    await genie.close();
  });

  it('changes nothing when an option cannot work', async () => {
    const model = scriptedModel([{ text: '## One\n- a' }]);
    const genie = createGenie({ goal: 'x', model, sources: [{ kind: 'feed', location: 'old' }] });
    const bad = { sources: [{ kind: 'feed' as const, location: 'new' }], budget: { steps: -1 } };
    await expect(genie.update(bad)).rejects.toMatchObject({ code: 'GENIE_BUDGET_INVALID' });
    await genie.run().outcome;
    expect(JSON.stringify(model.requests[0]?.prompt)).toContain('feed: old');
    await genie.close();
    await expect(genie.update({})).rejects.toMatchObject({ code: 'GENIE_CLOSED' });
  });

  it('wakes by a new schedule at once', async () => {
    const home = mkdtempSync(join(tmpdir(), 'genie-update-'));
    folders.push(home);
    const clock = fixedClock('2026-03-02T04:00:00Z');
    const genie = createGenie({
      goal: 'x',
      home,
      clock,
      model: scriptedModel([]),
      schedule: { cron: '0 5 * * *', timezone: 'UTC' },
    });
    await genie.start();
    expect(genie.nextWake()).toBe(Date.UTC(2026, 2, 2, 5));
    await genie.update({ schedule: { cron: '30 6 * * *', timezone: 'UTC' } });
    expect(genie.nextWake()).toBe(Date.UTC(2026, 2, 2, 6, 30));
    await expect(genie.update({ schedule: { cron: 'soon', timezone: 'UTC' } })).rejects.toMatchObject({
      code: 'GENIE_SCHEDULE_INVALID',
    });
    expect(genie.nextWake()).toBe(Date.UTC(2026, 2, 2, 6, 30));
    await genie.close();
  });
});

describe('metrics.arrange', () => {
  it('gives the briefing its order before it is measured, learnt and reported', async () => {
    const metrics = createVolatileMetrics();
    const measured: (string | undefined)[] = [];
    const genie = createGenie({
      goal: 'x',
      model: scriptedModel([{ text: '## News\n- a\n- b' }]),
      metrics: {
        ...metrics,
        arrange: async (briefing) => ({
          ...briefing,
          markdown: '## News\n- b\n- a',
          items: briefing.items.toReversed(),
        }),
        measure: (run) => {
          measured.push(run.briefing?.items[0]?.text);
          return metrics.measure(run);
        },
      },
    });
    const { briefing } = await genie.run().outcome;
    expect(measured).toEqual(['b']);
    expect(briefing).toMatchObject({ markdown: '## News\n- b\n- a', items: [{ text: 'b' }, { text: 'a' }] });
    await genie.close();
  });
});
