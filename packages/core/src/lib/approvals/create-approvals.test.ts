import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../ports/clock.ts';
import { createIds } from '../ports/ids.ts';
import type { ApprovalAction } from './approvals.ts';
import { createApprovals } from './create-approvals.ts';
import { createMemoryStore } from './memory-approvals.ts';

describe('createApprovals, two processes on one store', () => {
  it('lets nobody act on an "always" whose grant is still on its way', async () => {
    const store = createMemoryStore();
    const deps = { clock: systemClock, ids: createIds(systemClock) };
    // The decider is stopped between its two writes.
    const decider = createApprovals({ ...deps, store: { ...store, addGrant: () => new Promise(() => undefined) } });
    const waiting = createApprovals({ ...deps, store: { ...store, pollMs: () => 5 } });
    onTestFinished(() => waiting.close());
    const asked = await waiting.request({ action: action('a'), title: 'Read a' });
    const decided = waiting.wait(asked.id);
    void decider.decide(asked.id, { verdict: 'allow-always', by: 'user' });
    expect((await decided).status).toBe('allowed');
    expect((await waiting.request({ action: action('b'), title: 'Read b' })).status).toBe('allowed');
    expect(await waiting.grants.list()).toMatchObject([{ effect: 'allow', approvalId: asked.id }]);
  });

  it('does not bring a revoked "always" back', async () => {
    const store = createMemoryStore();
    const deps = { clock: systemClock, ids: createIds(systemClock) };
    const first = createApprovals({ ...deps, store });
    const second = createApprovals({ ...deps, store });
    const asked = await first.request({ action: action('a'), title: 'Read a', runId: 'run_1' });
    await first.decide(asked.id, { verdict: 'allow-always', by: 'user' });
    const [grant] = await first.grants.list();
    await first.grants.revoke(grant?.id ?? '');
    await second.request({ action: action('a'), title: 'Read a', runId: 'run_1' });
    expect(await second.grants.list()).toEqual([]);
  });
});

function action(path: string): ApprovalAction {
  return { kind: 'egress', genieId: 'genie_a', subject: 'https://example.com:443', payload: { path } };
}
