import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createMemoryApprovals } from '../approvals/memory-approvals.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { createMemoryJournal } from '../journal/memory-journal.ts';
import { systemClock } from '../ports/clock.ts';
import { createIds } from '../ports/ids.ts';
import { type ScriptedAnswer, scriptedModel } from '../testing/scripted-model.ts';
import { defineTool } from '../tool/define-tool.ts';
import type { ToolEffect } from '../tool/tool.ts';
import { runLoop } from './run-loop.ts';

const effects = ['read', 'idempotent', 'once'] as const;
const callPlan = fc.record({ effect: fc.constantFrom(...effects), fails: fc.boolean() });
const runPlan = fc.array(fc.array(callPlan, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
type RunPlan = readonly (readonly { readonly effect: ToolEffect; readonly fails: boolean }[])[];

describe('a run that is resumed after a crash', () => {
  it('at any record: makes no recorded call again, asks about a "once" call in flight, and ends like an undisturbed one', async () => {
    await fc.assert(
      fc.asyncProperty(runPlan, async (plan) => {
        const undisturbed = await execute(plan, []);
        for (let cut = 0; cut <= undisturbed.records.length; cut += 1) {
          const records = undisturbed.records.slice(0, cut);
          const done = new Set(records.flatMap((record) => (record.kind === 'result' ? [record.callId] : [])));
          const inDoubt = records.flatMap((record) =>
            record.kind === 'intent' && record.state === 'started' && !done.has(record.callId) ? [record.callId] : [],
          );
          const resumed = await execute(plan, records);
          expect(
            resumed.executed.filter((callId) => done.has(callId)),
            `cut at ${cut}`,
          ).toEqual([]);
          expect(new Set(resumed.executed).size).toBe(resumed.executed.length);
          expect(resumed.asked.toSorted()).toEqual(inDoubt.toSorted());
          expect(resumed.executed.filter((callId) => inDoubt.includes(callId))).toEqual([]);
          if (inDoubt.length === 0) {
            expect(resumed.result).toEqual(undisturbed.result);
            continue;
          }
          expect(resumed.result.finish.reason).toBe('waiting');
          const allowed = await execute(plan, resumed.records, 'allow-once', resumed.approvals);
          expect(allowed.executed.filter((callId) => inDoubt.includes(callId)).toSorted()).toEqual(inDoubt.toSorted());
          expect(allowed.result).toEqual(undisturbed.result);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('does not repeat a "once" call in doubt after a no, and tells the model that it may have happened', async () => {
    const plan: RunPlan = [[{ effect: 'once', fails: false }]];
    const { records } = await execute(plan, []);
    const crashed = await execute(plan, records.slice(0, records.findIndex((record) => record.kind === 'intent') + 1));
    const denied = await execute(plan, crashed.records, 'deny', crashed.approvals);
    expect(denied.executed).toEqual([]);
    expect(denied.result).toMatchObject({
      finish: { reason: 'stop' },
      calls: [{ outcome: { status: 'denied', error: { message: expect.stringContaining('may have happened') } } }],
    });
    const [row] = await crashed.approvals.list();
    expect(row).toMatchObject({
      action: { kind: 'in-doubt', payload: { tool: 'once', input: { id: '0-0', fails: false } } },
      title: expect.stringContaining('{"id":"0-0"'),
    });
  });

  it('names one call: "always" for it covers no other call in doubt', async () => {
    const plan: RunPlan = [
      [
        { effect: 'once', fails: false },
        { effect: 'once', fails: false },
      ],
    ];
    const { records } = await execute(plan, []);
    const crashed = await execute(
      plan,
      records
        .filter((record) => record.kind !== 'result' && record.kind !== 'finished' && record.kind !== 'closed')
        .slice(0, 4),
    );
    expect(crashed.asked).toEqual(['c0-0', 'c0-1']);
    const [first] = await crashed.approvals.list();
    await crashed.approvals.decide(first?.id ?? '', { verdict: 'allow-always', by: 'user' });
    const next = await execute(plan, crashed.records, undefined, crashed.approvals);
    expect([next.executed, next.result.finish.reason]).toEqual([['c0-0'], 'waiting']);
  });

  it('is in doubt again when it crashes again', async () => {
    const plan: RunPlan = [[{ effect: 'once', fails: false }]];
    const { records } = await execute(plan, []);
    const started = records.slice(0, records.findIndex((record) => record.kind === 'intent') + 1);
    const crashed = await execute(plan, started);
    const allowed = await execute(plan, crashed.records, 'allow-once', crashed.approvals);
    expect(allowed.executed).toHaveLength(1);
    const again = allowed.records.slice(0, allowed.records.findLastIndex((record) => record.kind === 'intent') + 1);
    const second = await execute(plan, again, undefined, crashed.approvals);
    expect([second.executed, second.result.finish.reason]).toEqual([[], 'waiting']);
  });
});

/** Runs (or goes on with) a plan on a journal that holds these records. */
async function execute(
  plan: RunPlan,
  recorded: readonly JournalRecord[],
  verdict?: 'allow-once' | 'deny',
  known?: ReturnType<typeof createMemoryApprovals>,
) {
  const approvals = known ?? createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
  for (const row of verdict ? await approvals.list({ status: 'pending' }) : [])
    await approvals.decide(row.id, { verdict: verdict ?? 'deny', by: 'user' });
  const journal = createMemoryJournal();
  const before = await journal.open('loop_1');
  for (const record of recorded) before.append(record);
  before.release();
  const executed: string[] = [];
  const tools = effects.map((effect) =>
    defineTool({
      name: effect,
      description: 'x',
      effect,
      input: z.object({ id: z.string(), fails: z.boolean() }),
      async run({ id, fails }, { callId }) {
        executed.push(callId);
        await undefined;
        if (fails) throw new Error(`failed at ${id}`);
        return `done ${id}`;
      },
    }),
  );
  const model = scriptedModel(({ prompt }) =>
    toAnswer(plan, prompt.filter((message) => message.role === 'assistant').length),
  );
  const options = { model, prompt: 'go', tools, approvals, journal, runId: 'loop_1', limits: { faultTolerance: 10 } };
  const result = await runLoop(options).result;
  const rows = await approvals.list({ status: 'pending' });
  return {
    approvals,
    executed,
    asked: rows.map((row) => row.callId ?? ''),
    records: await journal.read('loop_1'),
    result: { ...result, calls: result.calls.map((call) => ({ ...call, tookMs: 0 })) },
  };
}

function toAnswer(plan: RunPlan, step: number): ScriptedAnswer {
  const calls = plan[step]?.map(({ effect, fails }, index) => ({
    tool: effect,
    input: { id: `${step}-${index}`, fails },
    id: `c${step}-${index}`,
  }));
  return calls ? { calls } : { text: 'finished' };
}
