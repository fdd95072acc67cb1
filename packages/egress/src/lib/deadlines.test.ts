import { describe, expect, it } from 'vitest';
import { createDeadlines } from './deadlines.ts';

const sleep = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

describe('createDeadlines', () => {
  it('strikes once, on time or a little later, in any order of lengths', async () => {
    const deadlines = createDeadlines();
    const struck: [number, number][] = [];
    const startedAt = performance.now();
    for (const ms of [120, 30, 60]) deadlines.after(ms, () => struck.push([ms, performance.now() - startedAt]));
    await sleep(400);
    expect(struck.map(([ms]) => ms)).toEqual([30, 60, 120]);
    // A timer may ring a moment before its time.
    for (const [ms, after] of struck) expect(after).toBeGreaterThan(ms - 3);
  });

  it('can be called off, also from within, and used again after it fell silent', async () => {
    const deadlines = createDeadlines();
    let count = 0;
    const callOff = deadlines.after(40, () => {
      count += 1;
    });
    deadlines.after(10, callOff);
    await sleep(150);
    expect(count).toBe(0);
    deadlines.after(10, () => {
      count += 1;
    });
    await sleep(150);
    expect(count).toBe(1);
  });
});
