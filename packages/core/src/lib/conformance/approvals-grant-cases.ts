import {
  type ApprovalsSetup,
  allowAlways,
  allowOnce,
  denyAlways,
  sampleAction,
  sampleRequest,
} from './approvals-setup.ts';
import { type ConformanceCase, expectCode, expectEqual, expectThat } from './conformance.ts';

const otherPath = (path: string) => sampleAction({ payload: { method: 'GET', url: `https://example.com/${path}` } });

export const grantCases: readonly ConformanceCase<ApprovalsSetup>[] = [
  {
    name: '"allow always" makes a grant that answers the same subject at once, each row usable once',
    async run({ approvals, clock }) {
      const asked = await approvals.request(sampleRequest());
      await approvals.decide(asked.id, allowAlways);
      const [grant, ...others] = await approvals.grants.list();
      expectEqual(others.length, 0, 'further grants');
      expectEqual(
        [grant?.genieId, grant?.kind, grant?.subject, grant?.effect, grant?.approvalId, grant?.grantedAt],
        ['genie_a', 'egress', sampleAction().subject, 'allow', asked.id, clock.now()],
        'grant',
      );
      const next = await approvals.request(sampleRequest({ action: otherPath('b') }));
      expectEqual([next.status, next.byGrant], ['allowed', true], 'next request');
      expectEqual(await approvals.consume(next.id, otherPath('c')), false, 'consume of another action');
      expectEqual(await approvals.consume(next.id, otherPath('b')), true, 'first consume');
      expectEqual(await approvals.consume(next.id, otherPath('b')), false, 'second consume');
    },
  },
  {
    name: '"deny always" answers the same subject with a denial',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      await approvals.decide(id, denyAlways);
      const next = await approvals.request(sampleRequest({ action: otherPath('b'), runId: 'run_2' }));
      expectEqual([next.status, next.byGrant], ['denied', true], 'next request');
      expectEqual(await approvals.consume(next.id, otherPath('b')), false, 'consume');
    },
  },
  {
    name: '"allow once" and "deny" make no grant',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      await approvals.decide(id, allowOnce);
      expectEqual(await approvals.grants.list(), [], 'grants');
      expectEqual((await approvals.request(sampleRequest({ runId: 'run_2' }))).status, 'pending', 'next request');
    },
  },
  {
    name: 'a grant speaks only for its genie, its kind and its exact subject',
    async run({ approvals }) {
      const { genieId, kind, subject } = sampleAction();
      await approvals.grants.add({ genieId, kind, subject, effect: 'allow' });
      const others = [
        { genieId: 'genie_b' },
        { kind: 'tool' },
        { subject: `${subject}x` },
        { subject: 'egress' },
      ] as const;
      for (const other of others) {
        const asked = await approvals.request(sampleRequest({ action: sampleAction(other) }));
        expectEqual(asked.status, 'pending', `status with ${JSON.stringify(other)}`);
      }
      expectEqual((await approvals.request(sampleRequest())).status, 'allowed', 'status of its own action');
    },
  },
  {
    name: 'a grant ends at its expiry, also for rows it allowed before',
    async run({ approvals, clock }) {
      const { genieId, kind, subject } = sampleAction();
      await approvals.grants.add({ genieId, kind, subject, effect: 'allow', expiresAt: clock.now() + 1_000 });
      clock.advance(999);
      const before = await approvals.request(sampleRequest());
      expectEqual(before.status, 'allowed', 'before the expiry');
      clock.advance(1);
      expectEqual((await approvals.request(sampleRequest({ runId: 'run_2' }))).status, 'pending', 'at the expiry');
      expectEqual(await approvals.consume(before.id, sampleAction()), false, 'consume at the expiry');
    },
  },
  {
    name: 'revoking takes effect at once, also for a row that the grant allowed and nobody used yet',
    async run({ approvals }) {
      const { genieId, kind, subject } = sampleAction();
      const grant = await approvals.grants.add({ genieId, kind, subject, effect: 'allow' });
      const allowed = await approvals.request(sampleRequest());
      expectEqual(await approvals.grants.revoke(grant.id), true, 'revoke');
      expectEqual(await approvals.grants.revoke(grant.id), false, 'second revoke');
      expectEqual(await approvals.grants.list(), [], 'grants');
      expectEqual(await approvals.consume(allowed.id, sampleAction()), false, 'consume after the revocation');
      expectEqual((await approvals.request(sampleRequest())).status, 'pending', 'next request');
    },
  },
  {
    name: 'a prohibition wins over a permission, and over an unused "allow once"',
    async run({ approvals }) {
      const { genieId, kind, subject } = sampleAction();
      const once = await approvals.request(sampleRequest());
      await approvals.decide(once.id, allowOnce);
      await approvals.grants.add({ genieId, kind, subject, effect: 'allow' });
      await approvals.grants.add({ genieId, kind, subject, effect: 'deny' });
      const next = await approvals.request(sampleRequest({ runId: 'run_2' }));
      expectEqual(next.status, 'denied', 'next request');
      expectEqual(await approvals.consume(once.id, sampleAction()), false, 'consume of the older row');
    },
  },
  {
    name: 'a new grant answers the rows that wait for it, and no others',
    async run({ approvals }) {
      const first = await approvals.request(sampleRequest());
      const second = await approvals.request(sampleRequest({ action: otherPath('b') }));
      const foreign = await approvals.request(sampleRequest({ action: sampleAction({ genieId: 'genie_b' }) }));
      await approvals.decide(first.id, allowAlways);
      const answered = await approvals.get(second.id);
      expectEqual([answered?.status, answered?.byGrant], ['allowed', true], 'waiting row');
      expectEqual((await approvals.get(foreign.id))?.status, 'pending', 'row of another genie');
      expectThat((await approvals.get(first.id))?.byGrant === undefined, 'the decided row says a grant answered it');
    },
  },
  {
    name: 'a later permission ends the denial of a run',
    async run({ approvals }) {
      const { genieId, kind, subject } = sampleAction();
      const { id } = await approvals.request(sampleRequest());
      await approvals.decide(id, { verdict: 'deny', by: 'user' });
      await approvals.grants.add({ genieId, kind, subject, effect: 'allow' });
      expectEqual((await approvals.request(sampleRequest())).status, 'allowed', 'next request of the run');
    },
  },
  {
    name: 'a grant that is none is refused',
    async run({ approvals }) {
      const { genieId, kind, subject } = sampleAction();
      for (const bad of [{ effect: 'maybe' }, { subject: '' }, { expiresAt: Number.NaN }]) {
        const grant = { genieId, kind, subject, effect: 'allow', ...bad } as Parameters<typeof approvals.grants.add>[0];
        await expectCode(approvals.grants.add(grant), 'GENIE_APPROVAL_INPUT');
      }
      expectEqual(await approvals.grants.list(), [], 'grants');
    },
  },
];
