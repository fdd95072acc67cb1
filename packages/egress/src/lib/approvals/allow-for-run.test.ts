import { createMemoryApprovals } from '@genie/core';
import { createIds, systemClock } from '@genie/core/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OpenWorld, openAttackWorld } from '../attacks/attack-world.ts';
import { allowForRun, endRunGrants } from './allow-for-run.ts';

let open: OpenWorld;
const approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });

beforeEach(async () => {
  open = await openAttackWorld({ egress: { approvals, holdMs: 3_000 } });
});

afterEach(async () => {
  await open.close();
  for (const { id } of await approvals.list({ status: 'pending' }))
    await approvals.decide(id, { verdict: 'deny', by: 'end' });
  for (const { id } of await approvals.grants.list()) await approvals.grants.revoke(id);
});

const ask = (path: string, runId?: string, init: RequestInit = {}): Promise<number | string> =>
  open.egress
    .fetch(`http://new.test:${open.world.ports.allowed}${path}`, init, runId === undefined ? {} : { runId })
    .then(
      ({ status }) => status,
      (error: { details?: { reason?: string }; code?: string }) => error.details?.reason ?? String(error.code),
    );

async function pending(count: number): Promise<readonly string[]> {
  for (;;) {
    const rows = await approvals.list({ status: 'pending' });
    if (rows.length >= count) return rows.map(({ id }) => id);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('allowForRun', () => {
  it('lets everything of the run through that waits for the same, and what comes later', async () => {
    const held = [ask('/1', 'run_1'), ask('/2', 'run_1')];
    const [first = ''] = await pending(2);
    expect(await allowForRun(approvals, first, { by: 'test' })).toMatchObject({ decision: { note: 'for this run' } });
    expect(await Promise.all(held)).toEqual([200, 200]);
    expect(await ask('/3', 'run_1')).toBe(200);
  });

  it('lets no other run, no request without a run and nothing that writes through', async () => {
    const held = ask('/1', 'run_1');
    const [first = ''] = await pending(1);
    await allowForRun(approvals, first, { by: 'test' });
    await held;
    const others = [ask('/2', 'run_2'), ask('/3'), ask('/4', 'run_1', { method: 'POST' }), ask('/5', 'run_1@run_1')];
    for (const id of await pending(4)) await approvals.decide(id, { verdict: 'deny', by: 'test' });
    expect(await Promise.all(others)).toEqual(Array(4).fill('denied-by-user'));
    expect(open.world.arrived).toHaveLength(1);
  });

  it('decides nothing else that the run waits for', async () => {
    const held = ask('/1', 'run_1');
    const written = ask('/1', 'run_1', { method: 'POST' });
    const ids = await pending(2);
    const rows = await Promise.all(ids.map((id) => approvals.get(id)));
    await allowForRun(approvals, rows.find((row) => row?.action.payload.method === 'GET')?.id ?? '', { by: 'test' });
    expect(await held).toBe(200);
    const [left, ...others] = await approvals.list({ status: 'pending' });
    expect([left?.action.payload.method, others]).toEqual(['POST', []]);
    await approvals.decide(left?.id ?? '', { verdict: 'deny', by: 'test' });
    expect(await written).toBe('denied-by-user');
  });

  it('ends with the run', async () => {
    const held = ask('/1', 'run_3');
    const [first = ''] = await pending(1);
    await allowForRun(approvals, first, { by: 'test' });
    await held;
    await endRunGrants(approvals, 'run_');
    expect(await approvals.grants.list()).toHaveLength(1);
    await endRunGrants(approvals, 'run_3');
    expect(await approvals.grants.list()).toHaveLength(0);
    void ask('/2', 'run_3');
    await pending(1);
  });

  it('leaves no grant behind when somebody else said no first', async () => {
    const held = ask('/1', 'run_4');
    const [first = ''] = await pending(1);
    await approvals.decide(first, { verdict: 'deny', by: 'test' });
    await expect(allowForRun(approvals, first, { by: 'test' })).rejects.toMatchObject({
      code: 'GENIE_APPROVAL_DECIDED',
    });
    expect(await held).toBe('denied-by-user');
    expect(await approvals.grants.list()).toHaveLength(0);
  });

  it('refuses what belongs to no run, and what is unknown', async () => {
    void ask('/1');
    const [first = ''] = await pending(1);
    await expect(allowForRun(approvals, first, { by: 'test' })).rejects.toMatchObject({ code: 'GENIE_EGRESS_OPTIONS' });
    await expect(allowForRun(approvals, 'apr_none', { by: 'test' })).rejects.toMatchObject({
      code: 'GENIE_APPROVAL_UNKNOWN',
    });
    expect(await approvals.grants.list()).toHaveLength(0);
  });
});
