import { type ApprovalsSetup, allowAlways, allowOnce, sampleAction, sampleRequest } from './approvals-setup.ts';
import { type ConformanceCase, expectCode, expectEqual } from './conformance.ts';

const hourMs = 60 * 60 * 1000;

export const waitCases: readonly ConformanceCase<ApprovalsSetup>[] = [
  {
    name: 'waiting ends with the decision, and at once when it was made before',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      const waiting = [approvals.wait(id), approvals.wait(id)];
      let isOver = false;
      const noteEnd = (): void => {
        isOver = true;
      };
      for (const one of waiting) one.then(noteEnd, noteEnd);
      await soon();
      expectEqual(isOver, false, 'over before the decision');
      await approvals.decide(id, allowOnce);
      for (const answer of await Promise.all(waiting)) expectEqual(answer.status, 'allowed', 'status');
      expectEqual((await approvals.wait(id)).status, 'allowed', 'status of a late wait');
    },
  },
  {
    name: 'waiting ends with the expiry',
    async run({ approvals, clock }) {
      const { id } = await approvals.request(sampleRequest({ expiresInMs: hourMs }));
      const waiting = approvals.wait(id);
      let isOver = false;
      const noteEnd = (): void => {
        isOver = true;
      };
      waiting.then(noteEnd, noteEnd);
      while (!isOver) {
        await soon();
        clock.advance(hourMs / 4);
      }
      expectEqual((await waiting).status, 'expired', 'status');
      await expectCode(approvals.decide(id, allowOnce), 'GENIE_APPROVAL_EXPIRED');
    },
  },
  {
    name: 'waiting ends when a grant answers the row',
    async run({ approvals }) {
      const first = await approvals.request(sampleRequest());
      const second = await approvals.request(sampleRequest({ runId: 'run_2' }));
      const waiting = approvals.wait(second.id);
      await approvals.decide(first.id, allowAlways);
      const answer = await waiting;
      expectEqual([answer.status, answer.byGrant], ['allowed', true], 'answer');
    },
  },
  {
    name: 'an aborted wait rejects with the reason and leaves the row pending',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      const controller = new AbortController();
      const waiting = approvals.wait(id, { signal: controller.signal });
      const rejected = expectCode(waiting, 'STOPPED');
      rejected.catch(() => undefined);
      await soon();
      controller.abort(Object.assign(new Error('stopped'), { code: 'STOPPED' }));
      await rejected;
      expectEqual((await approvals.get(id))?.status, 'pending', 'status');
    },
  },
  {
    name: 'closing ends every wait, and may be done twice',
    async run({ approvals }) {
      const { id } = await approvals.request(sampleRequest());
      const rejected = expectCode(approvals.wait(id), 'GENIE_APPROVAL_CLOSED');
      rejected.catch(() => undefined);
      await soon();
      await approvals.close();
      await rejected;
      await approvals.close();
      await expectCode(approvals.consume(id, sampleAction()), 'GENIE_APPROVAL_CLOSED');
    },
  },
];

function soon(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
}
