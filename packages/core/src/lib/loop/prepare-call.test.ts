import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApprovalRequiredError } from '../approvals/approval-required.ts';
import type { Approvals, Verdict } from '../approvals/approvals.ts';
import { createMemoryApprovals } from '../approvals/memory-approvals.ts';
import type { LoopEvent } from '../events/genie-event.ts';
import { createMemoryJournal } from '../journal/memory-journal.ts';
import { createIds } from '../ports/ids.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import { type ScriptedAnswer, scriptedModel } from '../testing/scripted-model.ts';
import { defineTool } from '../tool/define-tool.ts';
import type { ApprovalPolicy } from '../tool/tool.ts';
import { type LoopOptions, runLoop } from './run-loop.ts';

const day = 24 * 60 * 60 * 1000;

describe('a tool that asks the user', () => {
  it('waits, holds no process, and runs once after the decision, days later', async () => {
    const world = create('always');
    const first = await world.run();
    expect(first).toMatchObject({
      steps: 1,
      finish: { reason: 'waiting', approvalIds: [expect.stringMatching(/^apr_/)] },
    });
    expect(world.sent).toEqual([]);
    // Asked again before the decision: the same row, nothing new.
    expect((await world.run()).finish.approvalIds).toEqual(first.finish.approvalIds);
    world.clock.advance(6 * day);
    await world.decide('allow-once');
    expect(await world.run()).toMatchObject({
      text: 'sent',
      finish: { reason: 'stop' },
      calls: [{ outcome: { status: 'completed' } }],
    });
    expect(world.sent).toEqual(['a']);
    expect(await world.statuses()).toEqual(['used']);
  });

  it('shows the user exactly what would happen', async () => {
    const world = create('always');
    await world.run();
    const [row] = await world.approvals.list();
    expect(row).toMatchObject({
      title: 'Run send with {"to":"a"}',
      runId: 'loop_1',
      action: {
        kind: 'tool',
        subject: 'tool:send',
        payload: { tool: 'send', input: { to: 'a' }, step: 1, callId: 'call-a' },
      },
    });
    expect(world.events.at(-2)).toMatchObject({ type: 'approval.requested', approvalId: row?.id });
  });

  it('is not run after a no; the model hears why', async () => {
    const world = create('always');
    await world.run();
    await world.decide('deny');
    const result = await world.run();
    expect(result).toMatchObject({
      text: 'sent',
      calls: [{ outcome: { status: 'denied', error: { code: 'GENIE_APPROVAL_DENIED' } } }],
    });
    expect(world.sent).toEqual([]);
  });

  it('asks anew when nobody answered in time, and the old row stays unusable', async () => {
    const world = create('always');
    const first = await world.run();
    world.clock.advance(8 * day);
    const second = await world.run();
    expect(second.finish.reason).toBe('waiting');
    expect(second.finish.approvalIds).not.toEqual(first.finish.approvalIds);
    expect(await world.statuses()).toEqual(['expired', 'pending']);
    expect(world.sent).toEqual([]);
  });

  it('asks only for the calls a policy names, and whenever a policy fails', async () => {
    for (const [policy, asks] of [
      [(input) => (input as { to: string }).to === 'b', false],
      [async (input) => (input as { to: string }).to === 'a', true],
      [() => Promise.reject(new Error('policy broke')), true],
    ] as [ApprovalPolicy, boolean][]) {
      const world = create(policy);
      expect((await world.run()).finish.reason).toBe(asks ? 'waiting' : 'stop');
    }
  });

  it('asks once and for all with "first-use"', async () => {
    const world = create('first-use', [sending('a'), sending('b'), { text: 'sent' }]);
    await world.run();
    await world.decide('allow-once');
    expect((await world.run()).finish.reason).toBe('stop');
    expect(world.sent).toEqual(['a', 'b']);
    expect((await world.run('loop_2')).finish.reason).toBe('stop');
    expect(world.sent).toEqual(['a', 'b', 'a', 'b']);
    expect(await world.approvals.grants.list()).toMatchObject([{ subject: 'tool:send', effect: 'allow' }]);
  });

  it('asks for each call with "always", and no more after "allow always"', async () => {
    const world = create('always', [sending('a'), sending('b'), { text: 'sent' }]);
    await world.run();
    await world.decide('allow-once');
    expect((await world.run()).finish.reason).toBe('waiting');
    await world.decide('allow-always');
    expect((await world.run()).finish.reason).toBe('stop');
    expect((await world.run('loop_2')).finish.reason).toBe('stop');
    expect(world.sent).toEqual(['a', 'b', 'a', 'b']);
  });

  it('holds up only itself: the other calls of the answer are made at once, and once', async () => {
    const world = create('always', [
      { calls: [...(sending('a').calls ?? []), { tool: 'free', input: {}, id: 'call-free' }] },
      { text: 'sent' },
    ]);
    expect((await world.run()).finish.reason).toBe('waiting');
    expect(world.freeCalls).toBe(1);
    await world.decide('allow-once');
    expect((await world.run()).calls.map((call) => call.tool)).toEqual(['send', 'free']);
    expect([world.sent, world.freeCalls]).toEqual([['a'], 1]);
  });

  it('waits in this process for as long as it is told, without spending the budget', async () => {
    const world = create('always', [sending('a'), { text: 'sent' }], {
      limits: { approvalWaitMs: day },
      budget: { timeMs: 2 * day, steps: 5 },
    });
    const running = world.run();
    await until(async () => (await world.approvals.list()).length === 1);
    world.clock.advance(1_000);
    await world.decide('allow-once');
    expect((await running).finish.reason).toBe('stop');
    const patient = create('always', [sending('a')], { limits: { approvalWaitMs: 60_000 } });
    const waiting = patient.run();
    await until(async () => (await patient.approvals.list()).length === 1);
    patient.clock.advance(60_000);
    expect((await waiting).finish.reason).toBe('waiting');
  });

  it('may be waited for longer than the budget of time, which only work spends', async () => {
    const world = create('always', undefined, { limits: { approvalWaitMs: day }, budget: { timeMs: 60_000 } });
    const running = world.run();
    await until(async () => (await world.approvals.list()).length === 1);
    // Until the loop itself waits, and not only its question is stored.
    await new Promise((resolve) => setTimeout(resolve, 5));
    world.clock.advance(3_600_000);
    await world.decide('allow-once');
    expect((await running).finish.reason).toBe('stop');
  });

  it('is refused where nobody can be asked', async () => {
    const world = create('always');
    const result = await world.run('loop_1', { approvals: undefined as never });
    expect(result.calls[0]?.outcome).toMatchObject({
      status: 'denied',
      error: { message: expect.stringContaining('nobody can be asked') },
    });
  });

  it('fails, and is not made, when the approvals cannot be stored', async () => {
    const world = create('always', [sending('a'), { text: 'gave up' }]);
    const approvals = {
      ...world.approvals,
      request: () => Promise.reject(new Error('disk')),
    } as LoopOptions['approvals'];
    const result = await world.run('loop_1', approvals ? { approvals } : {});
    expect(result.calls[0]?.outcome).toMatchObject({ status: 'failed', error: { code: 'GENIE_APPROVAL_STORE' } });
    expect(world.sent).toEqual([]);
  });

  it('goes on waiting, put aside, when the rows cannot be watched', async () => {
    const world = create('always', undefined, { limits: { approvalWaitMs: day } });
    const request: Approvals['request'] = (...asked) => world.approvals.request(...asked);
    const approvals = { request, wait: () => Promise.reject(new Error('disk')) } as unknown as Approvals;
    expect((await world.run('loop_1', { approvals })).finish.reason).toBe('waiting');
    await world.decide('allow-once');
    expect((await world.run()).finish.reason).toBe('stop');
    expect(world.sent).toEqual(['a']);
  });

  it('asks about the arguments as written when its schema makes something else than JSON of them', async () => {
    const clock = fixedClock();
    const approvals = createMemoryApprovals({ clock, ids: createIds(clock) });
    const dates: Date[] = [];
    const remind = defineTool({
      name: 'remind',
      description: 'x',
      approval: 'always',
      input: z.object({ at: z.string().transform((text) => new Date(text)) }),
      inputJsonSchema: {},
      run: ({ at }) => {
        dates.push(at);
      },
    });
    const model = byStep([{ calls: [{ tool: 'remind', input: { at: '2026-01-02' } }] }, { text: 'done' }]);
    const options = {
      model,
      prompt: 'go',
      tools: [remind],
      approvals,
      journal: createMemoryJournal(),
      runId: 'loop_1',
    };
    expect((await runLoop(options).result).finish.reason).toBe('waiting');
    const [row] = await approvals.list();
    expect(row?.action.payload).toMatchObject({ tool: 'remind', input: { at: '2026-01-02' } });
    await approvals.decide(row?.id ?? '', { verdict: 'allow-once', by: 'user' });
    expect((await runLoop(options).result).finish.reason).toBe('stop');
    expect(dates).toEqual([new Date('2026-01-02')]);
  });

  it('is shown on one line, without characters that hide or turn text', async () => {
    const world = create('always', [
      { calls: [{ tool: 'send', input: '{"to":"all",\r\n\t"x":"\u202Egnp"}' as never }] },
    ]);
    await world.run();
    const [row] = await world.approvals.list();
    expect(row?.title).toBe('Run send with {"to":"all", "x":" gnp"}');
  });

  it('may find out itself that it has to ask, and begins again after the decision', async () => {
    const clock = fixedClock();
    const approvals = createMemoryApprovals({ clock, ids: createIds(clock) });
    const action = {
      kind: 'egress',
      genieId: 'loop',
      subject: 'egress:example.com',
      payload: { url: 'https://example.com' },
    } as const;
    let attempts = 0;
    const tool = defineTool({
      name: 'fetch',
      description: 'x',
      input: z.object({}),
      effect: 'once',
      async run() {
        attempts += 1;
        const row = await approvals.request({ action, title: 'Read example.com', runId: 'loop_1' });
        if (row.status === 'pending') throw new ApprovalRequiredError('Reading example.com', [row.id]);
        return row.status;
      },
    });
    const options = {
      model: byStep([{ calls: [{ tool: 'fetch', input: {} }] }, { text: 'read' }]),
      prompt: 'go',
      tools: [tool],
      approvals,
      journal: createMemoryJournal(),
      runId: 'loop_1',
      clock,
    };
    expect((await runLoop(options).result).finish.reason).toBe('waiting');
    const [row] = await approvals.list();
    await approvals.decide(row?.id ?? '', { verdict: 'allow-once', by: 'user' });
    const result = await runLoop(options).result;
    // It asked before anything happened, so this "once" call is not in doubt.
    expect(result).toMatchObject({ text: 'read', calls: [{ outcome: { status: 'completed', output: 'allowed' } }] });
    expect(attempts).toBe(2);
  });
});

function sending(to: string): ScriptedAnswer {
  return { calls: [{ tool: 'send', input: { to }, id: `call-${to}` }] };
}

/** Answers by how far the conversation is, so that a resumed loop goes on with the next answer. */
function byStep(script: readonly ScriptedAnswer[]) {
  return scriptedModel(
    ({ prompt }) => script[prompt.filter((message) => message.role === 'assistant').length] ?? { text: 'over' },
  );
}

function create(
  approval: ApprovalPolicy,
  script: readonly ScriptedAnswer[] = [sending('a'), { text: 'sent' }],
  more: Partial<LoopOptions> = {},
) {
  const clock = fixedClock();
  const approvals = createMemoryApprovals({ clock, ids: createIds(clock) });
  const journal = createMemoryJournal();
  const sent: string[] = [];
  const events: LoopEvent[] = [];
  const world = { clock, approvals, sent, events, freeCalls: 0, run, decide, statuses };
  const send = defineTool({
    name: 'send',
    description: 'Sends.',
    effect: 'once',
    approval,
    input: z.object({ to: z.string() }),
    run: ({ to }) => {
      sent.push(to);
      return `sent to ${to}`;
    },
  });
  const free = defineTool({
    name: 'free',
    description: 'Needs nobody.',
    effect: 'idempotent',
    input: z.object({}),
    run: () => {
      world.freeCalls += 1;
      return 'free';
    },
  });
  function run(runId = 'loop_1', options: Partial<LoopOptions> = {}) {
    const model = byStep(script);
    return runLoop({
      model,
      prompt: 'go',
      tools: [send, free],
      approvals,
      journal,
      runId,
      clock,
      onEvent: (event) => events.push(event),
      ...more,
      ...options,
    }).result;
  }
  async function decide(verdict: Verdict): Promise<void> {
    for (const row of await approvals.list({ status: 'pending' }))
      await approvals.decide(row.id, { verdict, by: 'user' });
  }
  async function statuses(): Promise<string[]> {
    return (await approvals.list()).map((row) => row.status);
  }
  return world;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200 && !(await isTrue()); attempt += 1)
    await new Promise((resolve) => setImmediate(resolve));
}
