import { describe, expect, it } from 'vitest';
import type { Verdict } from '../approvals/approvals.ts';
import { createGenie } from '../create-genie.ts';
import type { JsonValue } from '../json.ts';
import { scriptedModel } from '../testing/scripted-model.ts';
import type { Proposal, ProposalParts } from './proposal.ts';
import { settleProposal } from './settle-proposal.ts';

const answer = {
  container: { cpus: 1, memoryMb: 512, diskMb: 1_024 },
  schedule: { cron: '0 7 * * *', timezone: 'Europe/Berlin' },
  tools: ['no-such-tool'],
  domains: ['example.com'],
  kpis: [{ id: 'items', name: 'Items', unit: 'items', direction: 'up', target: 2, probe: { kind: 'run' } }],
  tokensPerRun: { input: 1_000, output: 100 },
  reason: 'because',
};

describe('settleProposal', () => {
  it('gives what was accepted, as edited, once; and names the rest', async () => {
    const { proposal, decide, settle } = await propose();
    expect(proposal).toMatchObject({ tools: [], schedule: { misfire: 'once' }, cost: { wakesPerMonth: 30 } });
    await decide('container', 'allow-once');
    await decide('schedule', 'allow-once', { cron: '0 8 * * 1-5', timezone: 'UTC' });
    await decide('kpis', 'deny');
    const settled = await settle();
    expect(settled.accepted).toEqual({
      container: answer.container,
      schedule: { cron: '0 8 * * 1-5', timezone: 'UTC', misfire: 'once' },
    });
    expect(settled).toMatchObject({ refused: ['kpis'], pending: ['models', 'tools', 'domains'] });
    expect((await settle()).accepted).toEqual({});
  });

  it.each<[keyof ProposalParts, JsonValue]>([
    ['schedule', { cron: 'every now and then', timezone: 'UTC' }],
    ['schedule', { cron: '0 7 30 2 *', timezone: 'UTC' }],
    ['container', { cpus: 0, memoryMb: 512, diskMb: 1_024 }],
    ['kpis', []],
    ['tools', null],
  ])('refuses an edited %s that cannot be used, and uses nothing up: %j', async (part, value) => {
    const { decide, settle, statusOf } = await propose();
    const other = part === 'domains' ? 'tools' : 'domains';
    await decide(other, 'allow-once');
    await decide(part, 'allow-once', value);
    await expect(settle()).rejects.toMatchObject({
      code: 'GENIE_APPROVAL_INPUT',
      message: expect.stringContaining(part),
    });
    expect(await statusOf(other)).toBe('allowed');
  });
});

async function propose() {
  const genie = createGenie({ goal: 'Look', model: scriptedModel([{ text: JSON.stringify(answer) }]) });
  const proposal: Proposal = await genie.propose();
  const { approvals } = genie;
  const decide = (part: keyof ProposalParts, verdict: Verdict, value?: JsonValue) =>
    approvals.decide(proposal.approvalIds[part], {
      verdict,
      by: 'user',
      ...(value === undefined ? {} : { edited: { value } }),
    });
  const statusOf = async (part: keyof ProposalParts) => (await approvals.get(proposal.approvalIds[part]))?.status;
  return { proposal, decide, statusOf, settle: () => settleProposal(approvals, proposal) };
}
