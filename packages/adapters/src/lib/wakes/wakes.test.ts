import { parseSchedule } from '@genie/core/schedule';
import { describe, expect, it } from 'vitest';
import { wakesSuite } from '../conformance/wakes-suite.ts';
import { runInParts } from '../docker/testing/run-in-parts.ts';
import { decideDue } from './decide-due.ts';
import { createMemoryWakes } from './memory-wakes.ts';

describe('createMemoryWakes', () => {
  it('passes the wakes suite; there is no second server', async () => {
    const results = await runInParts(wakesSuite, 4, async () => {
      const wakes = createMemoryWakes({ tickMs: 50, retryDelayMs: 20 });
      return { setup: { wakes }, close: () => wakes.close() };
    });
    expect(results.filter((result) => result.status === 'failed')).toEqual([]);
    expect(results.filter((result) => result.status === 'unsupported')).toHaveLength(3);
  }, 60_000);
});

describe('decideDue', () => {
  const start = Date.UTC(2026, 0, 5, 12);
  const hour = 3_600_000;
  const decide = (misfire: 'skip' | 'once' | 'all', hours: number, latenessLimitMs = 100 * hour) =>
    decideDue(parseSchedule({ cron: '0 * * * *', misfire, latenessLimitMs }), start, start + hours * hour)
      .map(({ action }) => action)
      .join(' ');

  it('makes up for missed moments by the policy of the schedule', () => {
    expect(decide('skip', 3.5)).toBe('skipped skipped skipped');
    expect(decide('once', 3.5)).toBe('skipped skipped run');
    expect(decide('once', 3)).toBe('skipped skipped fire');
    expect(decide('all', 3)).toBe('run run fire');
    expect(decide('all', 5.5, 2 * hour)).toBe('skipped skipped skipped run run');
  });

  it('decides a long silence without losing the newest moments', () => {
    const actions = decide('all', 24 * 30 + 0.5, 24 * 365 * hour).split(' ');
    expect([actions.length, actions.filter((action) => action === 'run').length]).toEqual([720, 24]);
  });
});
