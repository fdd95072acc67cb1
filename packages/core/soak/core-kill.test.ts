import { describe, expect, it } from 'vitest';
import { killLives } from './kill-lives.ts';

describe('a genie that is killed 50 times at random moments', () => {
  it('finishes every run, repeats no completed call and no "once" call', async () => {
    const report = await killLives(50);
    expect(report).toMatchObject({ unfinished: [], repeatedCompleted: [], repeatedOnce: [] });
    // The kills did hit work: otherwise nothing was proven.
    expect(report.runs).toBeGreaterThan(20);
    expect(report.inFlight + report.asked).toBeGreaterThan(3);
  }, 240_000);
});
