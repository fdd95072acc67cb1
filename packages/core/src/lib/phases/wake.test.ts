import { describe, expect, it } from 'vitest';
import { createGenie } from '../create-genie.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import type { WakeGateContext } from '../wake-gate.ts';

const model = scriptedModel([{ text: '## Done\n- looked' }]);

describe('the wake gate', () => {
  it('that hangs is left behind after 30 s, told to stop, and the genie wakes', async () => {
    const clock = fixedClock();
    let signal: AbortSignal | undefined;
    const wakeGate = (context: WakeGateContext) => {
      signal = context.signal;
      return new Promise<never>(() => undefined);
    };
    await using genie = createGenie({ goal: 'Look', model, clock, wakeGate });
    const run = genie.run();
    const reasons: string[] = [];
    genie.events.on('gate.decided', (event) => reasons.push(event.reason));
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(29_000);
    expect(signal?.aborted).toBe(false);
    clock.advance(1_000);
    expect((await run.outcome).status).toBe('completed');
    expect(reasons).toEqual(['the wake gate took longer than 30 s']);
    expect(signal?.aborted).toBe(true);
  });

  it.each<unknown>([undefined, null, 5, { wake: 'no' }])('that answers %j wakes the genie', async (answer) => {
    await using genie = createGenie({ goal: 'Look', model, wakeGate: async () => answer as never });
    expect((await genie.run().outcome).status).toBe('completed');
  });

  it('that keeps a state which is no JSON wakes the genie', async () => {
    const wakeGate = async () => ({ wake: true, reason: 'x', state: { at: 1n as never } });
    await using genie = createGenie({ goal: 'Look', model, wakeGate });
    expect((await genie.run().outcome).status).toBe('completed');
  });

  it('that throws wakes the genie, and says why', async () => {
    await using genie = createGenie({ goal: 'Look', model, wakeGate: () => Promise.reject(new Error('no disk')) });
    const reasons: string[] = [];
    genie.events.on('gate.decided', (event) => reasons.push(event.reason));
    expect((await genie.run().outcome).status).toBe('completed');
    expect(reasons).toEqual(['the wake gate failed (no disk)']);
  });
});
