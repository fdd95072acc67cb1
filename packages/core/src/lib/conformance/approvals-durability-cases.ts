import type { Approvals } from '../approvals/approvals.ts';
import { type ApprovalsSetup, allowAlways, allowOnce, deny, sampleAction, sampleRequest } from './approvals-setup.ts';
import { type ConformanceCase, expectCode, expectEqual, expectThat } from './conformance.ts';

const requires = 'durable';

export const durabilityCases: readonly ConformanceCase<ApprovalsSetup>[] = [
  {
    name: 'requests, decisions, uses, grants and revocations outlive their process',
    requires,
    async run({ approvals, openAnother }) {
      const used = await approvals.request(sampleRequest());
      await approvals.decide(used.id, allowOnce);
      await approvals.consume(used.id, sampleAction());
      const denied = await approvals.request(sampleRequest({ runId: 'run_2' }));
      await approvals.decide(denied.id, deny);
      const always = await approvals.request(sampleRequest({ runId: 'run_3' }));
      await approvals.decide(always.id, allowAlways);
      const kept = (await approvals.grants.list())[0];
      const gone = await approvals.grants.add({ genieId: 'genie_b', kind: 'tool', subject: 'tool:x', effect: 'allow' });
      await approvals.grants.revoke(gone.id);
      const before = await approvals.list();
      await approvals.close();
      const later = await opened(openAnother);
      expectEqual(await later.list(), before, 'rows');
      expectEqual(await later.grants.list(), [kept], 'grants');
      expectEqual(await later.consume(used.id, sampleAction()), false, 'consume of the used row');
      await expectCode(later.decide(denied.id, allowOnce), 'GENIE_APPROVAL_DECIDED');
      expectEqual(await later.consume(always.id, sampleAction()), true, 'consume of the allowed row');
      await later.close();
    },
  },
  {
    name: 'a decision of another process ends a wait here',
    requires,
    async run({ approvals, openAnother }) {
      const other = await opened(openAnother);
      const { id } = await approvals.request(sampleRequest());
      const waiting = approvals.wait(id);
      waiting.catch(() => undefined);
      await other.decide(id, deny);
      expectEqual((await waiting).status, 'denied', 'status');
      await other.close();
    },
  },
  {
    name: 'two processes share rows, single use and revocation',
    requires,
    async run({ approvals, openAnother }) {
      const other = await opened(openAnother);
      const both = await Promise.all([approvals.request(sampleRequest()), other.request(sampleRequest())]);
      expectEqual(both[0].id, both[1].id, 'rows of two requests at once');
      await other.decide(both[0].id, allowOnce);
      const answers = await Promise.all([approvals, other].map((one) => one.consume(both[0].id, sampleAction())));
      expectEqual(answers.filter(Boolean).length, 1, 'winners');
      const { genieId, kind, subject } = sampleAction();
      const grant = await approvals.grants.add({ genieId, kind, subject, effect: 'allow' });
      expectEqual((await other.request(sampleRequest({ runId: 'run_2' }))).byGrant, true, 'grant of the other process');
      await approvals.grants.revoke(grant.id);
      expectEqual((await other.request(sampleRequest({ runId: 'run_3' }))).status, 'pending', 'after the revocation');
      await other.close();
    },
  },
];

async function opened(openAnother: ApprovalsSetup['openAnother']): Promise<Approvals> {
  expectThat(openAnother, 'the capability "durable" needs setup.openAnother');
  return openAnother();
}
