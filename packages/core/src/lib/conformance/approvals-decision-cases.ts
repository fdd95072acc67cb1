import type { Decision } from '../approvals/approvals.ts';
import { type ApprovalsSetup, allowOnce, deny, sampleAction, sampleRequest } from './approvals-setup.ts';
import { type ConformanceCase, expectCode, expectEqual, expectThat } from './conformance.ts';

const hourMs = 60 * 60 * 1000;

export const decisionCases: readonly ConformanceCase<ApprovalsSetup>[] = [
  {
    name: 'an allowed row can be consumed once',
    async run({ approvals, clock }) {
      const { id } = await approvals.request(sampleRequest());
      const decision: Decision = { ...allowOnce, note: 'fine', edited: { cron: '0 7 * * *' } };
      const decided = await approvals.decide(id, decision);
      expectEqual([decided.status, decided.decision], ['allowed', { ...decision, at: clock.now() }], 'decided row');
      expectEqual(await approvals.get(id), decided, 'get');
      expectEqual(await approvals.consume(id, sampleAction()), true, 'first consume');
      expectEqual((await approvals.get(id))?.status, 'used', 'status after use');
      expectEqual(await approvals.consume(id, sampleAction()), false, 'second consume');
    },
  },
  {
    name: 'of many consumers at once exactly one wins',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      await approvals.decide(id, allowOnce);
      const answers = await Promise.all(Array.from({ length: 8 }, () => approvals.consume(id, sampleAction())));
      expectEqual(answers.filter(Boolean).length, 1, 'winners');
    },
  },
  {
    name: 'another action than the decided one is not covered, and asking for it uses nothing up',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      await approvals.decide(id, allowOnce);
      const other = sampleAction({ payload: { method: 'GET', url: 'https://example.com/?secret=1' } });
      expectEqual(await approvals.consume(id, other), false, 'consume of another payload');
      expectEqual(await approvals.consume(id, sampleAction({ genieId: 'genie_b' })), false, 'consume by another genie');
      expectEqual(await approvals.consume(id, sampleAction()), true, 'consume of the decided action');
    },
  },
  {
    name: 'neither a pending nor a denied row can be consumed',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      expectEqual(await approvals.consume(id, sampleAction()), false, 'pending');
      const denied = await approvals.decide(id, deny);
      expectEqual(denied.status, 'denied', 'status');
      expectEqual(await approvals.consume(id, sampleAction()), false, 'denied');
    },
  },
  {
    name: 'the first decision wins',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      await approvals.decide(id, deny);
      await expectCode(approvals.decide(id, allowOnce), 'GENIE_APPROVAL_DECIDED');
      await expectCode(approvals.decide(id, deny), 'GENIE_APPROVAL_DECIDED');
      expectEqual((await approvals.get(id))?.status, 'denied', 'status');
    },
  },
  {
    name: 'of several decisions at once exactly one is taken',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      const votes = Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? allowOnce : deny));
      const results = await Promise.allSettled(votes.map((vote) => approvals.decide(id, vote)));
      const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.status] : []));
      expectEqual(winners.length, 1, 'decisions taken');
      expectEqual((await approvals.get(id))?.status, winners[0], 'stored status');
    },
  },
  {
    name: 'an unanswered row expires: no decision, no use, and the next request asks anew',
    async run({ approvals, clock }) {
      const asked = await approvals.request(sampleRequest({ expiresInMs: hourMs }));
      clock.advance(hourMs - 1);
      expectEqual((await approvals.get(asked.id))?.status, 'pending', 'status one millisecond before');
      clock.advance(1);
      expectEqual((await approvals.get(asked.id))?.status, 'expired', 'status at the expiry');
      expectEqual((await approvals.list({ status: 'pending' })).length, 0, 'pending rows');
      await expectCode(approvals.decide(asked.id, allowOnce), 'GENIE_APPROVAL_EXPIRED');
      expectEqual(await approvals.consume(asked.id, sampleAction()), false, 'consume');
      const next = await approvals.request(sampleRequest());
      expectThat(next.id !== asked.id && next.status === 'pending', 'the expired row was returned again');
    },
  },
  {
    name: 'a clock that goes back does not bring an expired row back',
    async run({ approvals, clock }) {
      const { id } = await approvals.request(sampleRequest({ expiresInMs: hourMs }));
      clock.advance(hourMs);
      expectEqual((await approvals.list())[0]?.status, 'expired', 'status at the expiry');
      clock.jump(-2 * hourMs);
      expectEqual((await approvals.get(id))?.status, 'expired', 'status after the jump');
      await expectCode(approvals.decide(id, allowOnce), 'GENIE_APPROVAL_EXPIRED');
    },
  },
  {
    name: 'a decision in time stays good after the expiry',
    async run({ approvals, clock }) {
      const { id } = await approvals.request(sampleRequest({ expiresInMs: hourMs }));
      await approvals.decide(id, allowOnce);
      clock.advance(48 * hourMs);
      expectEqual((await approvals.get(id))?.status, 'allowed', 'status');
      expectEqual(await approvals.consume(id, sampleAction()), true, 'consume');
    },
  },
  {
    name: 'ids that nobody gave out, also hostile ones, are unknown',
    async run({ approvals }) {
      for (const id of [
        'apr_0',
        '',
        '../apr_0',
        'apr_0/../../x',
        'apr_0\0',
        'apr_a.decision',
        '..\\x',
        'x'.repeat(5_000),
      ]) {
        expectEqual(await approvals.get(id), undefined, `get ${JSON.stringify(id.slice(0, 20))}`);
        await expectCode(approvals.decide(id, allowOnce), 'GENIE_APPROVAL_UNKNOWN');
        await expectCode(approvals.consume(id, sampleAction()), 'GENIE_APPROVAL_UNKNOWN');
        await expectCode(approvals.wait(id), 'GENIE_APPROVAL_UNKNOWN');
        expectEqual(await approvals.grants.revoke(id), false, 'revoke');
      }
    },
  },
  {
    name: 'a decision that is none is refused and leaves the row pending',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      for (const decision of [
        { verdict: 'yes', by: 'user' },
        { verdict: 'allow-once', by: '' },
      ] as unknown[]) {
        await expectCode(approvals.decide(id, decision as Decision), 'GENIE_APPROVAL_INPUT');
      }
      expectEqual((await approvals.get(id))?.status, 'pending', 'status');
    },
  },
];
