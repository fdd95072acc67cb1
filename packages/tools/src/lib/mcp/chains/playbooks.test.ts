import { createIds, createMemoryApprovals, systemClock } from '@genie/core';
import { scriptedModel } from '@genie/core/testing';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import type { ToolChain } from './find-tool-chains.ts';
import { planWithPlaybooks } from './plan-with-playbooks.ts';
import { openPlaybooks } from './playbooks.ts';

const chain: ToolChain = {
  id: 'abc',
  times: 3,
  runs: 2,
  worth: 'playbook',
  steps: [
    { tool: 'search', fixed: { limit: 5 }, fromStep: {}, parameters: ['query'] },
    { tool: 'read', fixed: {}, fromStep: { path: 0 }, parameters: [] },
  ],
};
const decided = { chain, genieId: 'g', by: 'cli' } as const;
const setUp = (dir: string) => ({
  playbooks: openPlaybooks({ dir }),
  approvals: createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) }),
});

describe('openPlaybooks', () => {
  it('keeps what the user accepted, with the approval it was decided in', async () => {
    using folder = temporaryFolder();
    const { playbooks, approvals } = setUp(folder.path);
    expect(await playbooks.accepted()).toEqual([]);
    await playbooks.decide({ ...decided, verdict: 'accept', approvals });
    const [row] = await approvals.list();
    expect(row).toMatchObject({
      status: 'used',
      action: { kind: 'mcp', subject: 'playbook:abc', payload: { steps: chain.steps } },
      decision: { verdict: 'allow-once', by: 'cli' },
    });
    const again = openPlaybooks({ dir: folder.path });
    expect(await again.accepted()).toEqual([{ id: 'abc', steps: chain.steps, approvalId: row?.id }]);
    expect(await again.verdictOn('abc')).toBe('accepted');
  });

  it('keeps a refusal, and the last word counts', async () => {
    using folder = temporaryFolder();
    const { playbooks, approvals } = setUp(folder.path);
    await playbooks.decide({ ...decided, verdict: 'accept', approvals });
    await playbooks.decide({ ...decided, verdict: 'refuse', approvals });
    expect([await playbooks.accepted(), await playbooks.verdictOn('abc')]).toEqual([[], 'refused']);
    expect((await approvals.list()).map(({ status }) => status)).toEqual(['used', 'denied']);
    await playbooks.decide({ ...decided, verdict: 'accept', approvals });
    expect(await playbooks.verdictOn('abc')).toBe('accepted');
    expect(await playbooks.verdictOn('other')).toBeUndefined();
  });

  it('refuses a damaged file instead of forgetting', async () => {
    using folder = temporaryFolder();
    folder.write('playbooks.json', '{"version":1,"accepted":[{');
    await expect(openPlaybooks({ dir: folder.path }).accepted()).rejects.toMatchObject({ code: 'GENIE_MCP_STORE' });
  });
});

describe('planWithPlaybooks', () => {
  it('tells the model what was accepted, also what is accepted between two calls', async () => {
    using folder = temporaryFolder();
    const { playbooks, approvals } = setUp(folder.path);
    const inner = scriptedModel([{ text: 'one' }, { text: 'two' }]);
    const model = planWithPlaybooks(inner, () => playbooks.accepted());
    const prompt = [
      { role: 'system' as const, content: 'Plan.' },
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'Goal' }] },
    ];
    await model.doGenerate({ prompt });
    await playbooks.decide({ ...decided, verdict: 'accept', approvals });
    await model.doGenerate({ prompt });
    expect(inner.requests[0]?.prompt).toEqual(prompt);
    expect(inner.requests[1]?.prompt).toEqual([
      prompt[0],
      {
        role: 'system',
        content: expect.stringMatching(/accepted.*\n- search\(limit=5, query=\?\), then read\(path=from step 1\)$/),
      },
      prompt[1],
    ]);
  });
});
