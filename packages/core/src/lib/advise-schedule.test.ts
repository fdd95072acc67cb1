import { describe, expect, it } from 'vitest';
import { createGenie } from './create-genie.ts';
import { createMemoryJournal } from './journal/memory-journal.ts';
import { fixedClock } from './testing/fixed-clock.ts';
import { scriptedModel } from './testing/scripted-model.ts';

const hourMs = 60 * 60 * 1000;

describe('genie.recommendSchedule', () => {
  it('proposes fewer wakes when most find nothing, as an approval', async () => {
    const clock = fixedClock('2026-01-05T00:30:00Z');
    const journal = createMemoryJournal({ keepClosedRuns: 1_000 });
    // News comes between 8 and 10 only; the gate sees it without a model.
    const wakeGate = async () => {
      const hour = new Date(clock.now()).getUTCHours();
      return { wake: hour >= 8 && hour < 10, reason: 'by the hour' };
    };
    const model = scriptedModel([{ text: '## News\n- one thing ([source](https://example.org), 2026-01-05)' }]);
    await using genie = createGenie({
      goal: 'Watch',
      model,
      journal,
      clock,
      wakeGate,
      schedule: { cron: '30 * * * *' },
    });
    expect(await genie.recommendSchedule()).toBeUndefined();
    for (let wake = 0; wake < 21 * 24; wake += 1) {
      await genie.run({ kind: 'schedule', dueAt: clock.now() }).outcome;
      clock.advance(hourMs);
    }
    const advice = await genie.recommendSchedule();
    expect(advice?.recommendation.kind).toBe('fewer-times');
    expect(advice?.recommendation.wakesPerWeek.proposed).toBeLessThanOrEqual(28);
    expect(advice?.approval).toMatchObject({ status: 'pending', action: { kind: 'schedule' } });
  });

  it('needs a schedule to improve', async () => {
    await using genie = createGenie({ goal: 'Watch', model: scriptedModel([{}]) });
    await expect(genie.recommendSchedule()).rejects.toMatchObject({ code: 'GENIE_SCHEDULE_MISSING' });
  });
});
