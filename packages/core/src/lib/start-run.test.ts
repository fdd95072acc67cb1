import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createGenie } from './create-genie.ts';
import type { GenieOptions } from './genie.ts';
import { createMemoryJournal } from './journal/memory-journal.ts';
import { runLoop } from './loop/run-loop.ts';
import { fixedClock } from './testing/fixed-clock.ts';
import { scriptedModel } from './testing/scripted-model.ts';
import { createVolatileMetrics } from './testing/volatile-metrics.ts';
import { defineTool } from './tool/define-tool.ts';

const forever = () => new Promise<never>(() => undefined);
const deafModel = { ...scriptedModel([]), doGenerate: forever, doStream: forever };

describe('a run', () => {
  it('whose time is spent is measured, reported and over', async () => {
    const clock = fixedClock();
    const metrics = createVolatileMetrics();
    const hang = defineTool({
      name: 'hang',
      description: 'x',
      effect: 'read',
      input: z.object({}),
      timeoutMs: Number.POSITIVE_INFINITY,
      run: () => {
        setImmediate(() => clock.advance(60_000));
        return forever();
      },
    });
    const model = scriptedModel([{ calls: [{ tool: 'hang', input: {} }] }]);
    const genie = open({ model, tools: [hang], budget: { timeMs: 60_000 }, clock, metrics });
    const phases: string[] = [];
    genie.events.on('phase.completed', (event) => phases.push(event.phase));
    const outcome = await genie.run().outcome;
    expect(outcome).toMatchObject({ status: 'failed', steps: 1, error: { code: 'GENIE_BUDGET_EXCEEDED' } });
    expect(phases.slice(-4)).toEqual(['measure', 'memorize', 'report', 'sleep']);
    expect(await genie.journal.list()).toMatchObject([{ status: 'closed' }]);
  });

  it.each(['measure', 'notify'] as const)('heeds the signal of its caller also while it waits for %s', async (port) => {
    const controller = new AbortController();
    const stop = () => {
      setImmediate(() => controller.abort());
      return forever();
    };
    const metrics = port === 'measure' ? { metrics: { ...createVolatileMetrics(), measure: stop } } : {};
    const genie = open({ ...metrics, notifier: { notify: stop } as never });
    const outcome = await genie.run(undefined, { signal: controller.signal }).outcome;
    expect(outcome.status).toBe('cancelled');
  });

  it('ends with a plan that came too late, without it', async () => {
    const clock = fixedClock();
    const late = () => {
      setImmediate(() => clock.advance(1_000));
      return forever();
    };
    const models = { planning: { ...scriptedModel([]), doGenerate: late }, execution: scriptedModel([{ text: 'x' }]) };
    const genie = open({ model: undefined as never, models, clock, limits: { modelTimeoutMs: 1_000 } });
    const failures: string[] = [];
    genie.events.on('model.failed', ({ error }) => failures.push(error.code));
    expect((await genie.run().outcome).status).toBe('completed');
    expect(failures).toEqual(['GENIE_MODEL_TIMEOUT']);
    await expect(genie.propose()).rejects.toMatchObject({ code: 'GENIE_MODEL_TIMEOUT' });
  });

  it('that waits for its turn is cancelled at once, and can be resumed', async () => {
    const genie = open({ home: folder(), model: deafModel });
    const first = genie.run();
    const second = genie.run({ kind: 'message', text: 'Hello' }, { runId: 'run_2' });
    await new Promise((resolve) => setImmediate(resolve));
    second.cancel();
    expect((await second.outcome).status).toBe('cancelled');
    expect(await genie.journal.list()).toMatchObject([
      { runId: first.runId, status: 'open' },
      { runId: 'run_2', status: 'open', meta: { trigger: { text: 'Hello' } } },
    ]);
    first.cancel();
    await first.outcome;
    await genie.update({ model: scriptedModel([{ text: 'Hi' }]) });
    expect(await genie.resume('run_2').outcome).toMatchObject({ status: 'completed', text: 'Hi' });
  });

  it('of a tool loop in the same journal is left to that loop, and the other way round', async () => {
    const journal = createMemoryJournal();
    const model = scriptedModel([{ text: 'x' }]);
    const signal = AbortSignal.abort();
    await runLoop({ model, prompt: 'go', journal, runId: 'loop_1', signal }).result;
    const genie = open({ model, journal });
    expect(await genie.recover()).toEqual([]);
    expect((await genie.resume('loop_1').outcome).error?.code).toBe('GENIE_RUN_UNKNOWN');
    await genie.run(undefined, { runId: 'run_1', signal }).outcome;
    const { finish } = await runLoop({ model, prompt: 'go', journal, runId: 'run_1' }).result;
    expect(finish.error?.code).toBe('GENIE_RUN_UNKNOWN');
    expect((await runLoop({ model, prompt: 'go', journal, runId: 'loop_1' }).result).finish.reason).toBe('stop');
  });

  it('that meets another holder of its id does not end that one', async () => {
    const genie = open({ model: scriptedModel([{ text: 'x', delayMs: 20 }]) });
    const ends: string[] = [];
    genie.events.on('run.ended', ({ status }) => ends.push(status));
    const first = genie.run(undefined, { runId: 'run_1' });
    const second = genie.resume('run_1');
    expect(await second.outcome).toMatchObject({ status: 'failed', error: { code: 'GENIE_RUN_OPEN' } });
    expect((await first.outcome).status).toBe('completed');
    expect(ends).toEqual(['completed']);
  });

  it('behind which a scheduled wake waits does not keep the genie from closing', async () => {
    const clock = fixedClock();
    const genie = open({ home: folder(), model: deafModel, schedule: { cron: '* * * * *' }, clock });
    const first = genie.run();
    await genie.start();
    const fired = new Promise((resolve) => genie.events.on('schedule.fired', resolve));
    for (let look = 0; look < 3; look += 1) {
      clock.advance(30_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await fired;
    await genie.close();
    expect((await first.outcome).status).toBe('cancelled');
  });
});

function open(options: Partial<GenieOptions>) {
  const genie = createGenie({ goal: 'Look', model: scriptedModel([{ text: '## News\n- one' }]), ...options });
  onTestFinished(() => genie.close());
  return genie;
}

function folder(): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-run-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}
