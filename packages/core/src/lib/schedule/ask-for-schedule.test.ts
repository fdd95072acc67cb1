import { describe, expect, it } from 'vitest';
import { createMemoryApprovals } from '../approvals/memory-approvals.ts';
import type { GenieEvent } from '../events/genie-event.ts';
import { createIds } from '../ports/ids.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import { approvedSchedule, askForSchedule } from './ask-for-schedule.ts';
import type { ScheduleRecommendation } from './recommend.ts';

const recommendation: ScheduleRecommendation = {
  kind: 'fewer-times',
  cron: '0 7 * * 1-5',
  timezone: 'Europe/Berlin',
  reason: 'All news came at 07:00.',
  wakesPerWeek: { now: 168, proposed: 5 },
  savings: { wakesPerWeek: 163 },
  longestDelayMs: 0,
};
const current = { cron: '0 * * * *', timezone: 'Europe/Berlin', misfire: 'skip' } as const;

function setUp() {
  const clock = fixedClock();
  const events: GenieEvent[] = [];
  const approvals = createMemoryApprovals({ clock, ids: createIds(clock) });
  const deps = { approvals, clock, genieId: 'genie_1', events: (event: GenieEvent) => events.push(event) };
  return { approvals, events, ask: () => askForSchedule(deps, recommendation) };
}

describe('askForSchedule', () => {
  it('asks once, with the reason as the claim, and changes nothing by itself', async () => {
    const { approvals, events, ask } = setUp();
    const asked = await ask();
    expect((await ask()).id).toBe(asked.id);
    expect(await approvals.list()).toHaveLength(1);
    expect(asked).toMatchObject({
      status: 'pending',
      title: 'Wake at "0 7 * * 1-5" (Europe/Berlin)',
      claim: 'All news came at 07:00.',
      action: { kind: 'schedule', payload: { cron: '0 7 * * 1-5', timezone: 'Europe/Berlin' } },
    });
    expect(events[0]).toMatchObject({ type: 'schedule.recommended', cron: '0 7 * * 1-5' });
    expect(approvedSchedule(asked, current)).toBeUndefined();
  });
});

describe('approvedSchedule', () => {
  it('is what was allowed, with the edits of the user and the rest of the current schedule', async () => {
    const { approvals, ask } = setUp();
    const { id } = await ask();
    const allowed = await approvals.decide(id, { verdict: 'allow-once', by: 'user', edited: { cron: '30 6 * * 1-5' } });
    expect(approvedSchedule(allowed, current)).toMatchObject({
      cron: '30 6 * * 1-5',
      timezone: 'Europe/Berlin',
      misfire: 'skip',
    });
  });

  it('is nothing when denied, and an error when the edit is no schedule', async () => {
    const denied = setUp();
    const { id } = await denied.ask();
    expect(
      approvedSchedule(await denied.approvals.decide(id, { verdict: 'deny', by: 'user' }), current),
    ).toBeUndefined();
    const edited = setUp();
    const asked = await edited.ask();
    const allowed = await edited.approvals.decide(asked.id, {
      verdict: 'allow-once',
      by: 'user',
      edited: { cron: 'whenever' },
    });
    expect(() => approvedSchedule(allowed, current)).toThrow(
      expect.objectContaining({ code: 'GENIE_SCHEDULE_INVALID' }),
    );
  });
});
