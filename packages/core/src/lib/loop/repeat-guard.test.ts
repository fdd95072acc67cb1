import { describe, expect, it } from 'vitest';
import { RepeatGuard } from './repeat-guard.ts';

describe('RepeatGuard', () => {
  it('tells at 3, 6 and 12 and stops at 24', () => {
    const guard = new RepeatGuard();
    const findings = Array.from({ length: 24 }, (_, step) =>
      guard.note({ tool: 'x', input: '{}', output: 'same', step }),
    );
    const told = findings.flatMap((finding, index) => (finding ? [[index + 1, finding.stops]] : []));
    expect(told).toEqual([
      [3, false],
      [6, false],
      [12, false],
      [24, true],
    ]);
  });

  it('starts anew when arguments or result change, or a step without the call lies between', () => {
    const guard = new RepeatGuard();
    const note = (step: number, change: { readonly input?: string; readonly output?: string } = {}) =>
      guard.note({ tool: 'x', input: '{}', output: 'same', step, ...change });
    const polls = Array.from({ length: 50 }, (_, step) => note(step, { output: `at ${step}` }));
    const others = Array.from({ length: 50 }, (_, step) => note(50 + step, { input: String(step) }));
    const rests = Array.from({ length: 50 }, (_, step) => note(100 + step * 2));
    expect([...polls, ...others, ...rests].filter(Boolean)).toEqual([]);
  });
});
