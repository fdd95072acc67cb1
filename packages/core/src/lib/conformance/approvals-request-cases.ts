import type { ApprovalRequest } from '../approvals/approvals.ts';
import { type ApprovalsSetup, allowOnce, deny, sampleAction, sampleRequest } from './approvals-setup.ts';
import { type ConformanceCase, expectCode, expectEqual, expectThat } from './conformance.ts';

const weekMs = 7 * 24 * 60 * 60 * 1000;

export const requestCases: readonly ConformanceCase<ApprovalsSetup>[] = [
  {
    name: 'a request is a pending row with the hash of its action and an expiry',
    async run({ approvals, clock }) {
      const asked = await approvals.request(sampleRequest({ claim: 'to read the news', callId: 'call_1' }));
      expectEqual(asked.status, 'pending', 'status');
      expectEqual(asked.action, sampleAction(), 'action');
      expectThat(/^[0-9a-f]{64}$/.test(asked.actionHash), `actionHash is no SHA-256: ${asked.actionHash}`);
      expectEqual([asked.claim, asked.callId, asked.runId], ['to read the news', 'call_1', 'run_1'], 'members');
      expectEqual([asked.requestedAt, asked.expiresAt], [clock.now(), clock.now() + weekMs], 'times');
      expectEqual(await approvals.get(asked.id), asked, 'get');
      expectEqual(await approvals.list(), [asked], 'list');
    },
  },
  {
    name: 'asking again for the same action in the same run returns the open row',
    async run({ approvals }) {
      const first = await approvals.request(sampleRequest());
      const reordered = sampleAction({ payload: { url: 'https://example.com/', method: 'GET' } });
      expectEqual((await approvals.request(sampleRequest({ action: reordered }))).id, first.id, 'pending row');
      await approvals.decide(first.id, allowOnce);
      expectEqual((await approvals.request(sampleRequest())).id, first.id, 'allowed row');
      expectEqual((await approvals.list()).length, 1, 'rows');
    },
  },
  {
    name: 'another action, another genie and another run each get a row of their own',
    async run({ approvals }) {
      const requests: ApprovalRequest[] = [
        sampleRequest(),
        sampleRequest({ action: sampleAction({ payload: { method: 'POST', url: 'https://example.com/' } }) }),
        sampleRequest({ action: sampleAction({ kind: 'tool' }) }),
        sampleRequest({ action: sampleAction({ subject: 'egress:example.com:443:write' }) }),
        sampleRequest({ action: sampleAction({ genieId: 'genie_b' }) }),
        sampleRequest({ runId: 'run_2' }),
      ];
      const rows = [];
      for (const request of requests) rows.push(await approvals.request(request));
      expectEqual(new Set(rows.map((row) => row.id)).size, requests.length, 'distinct rows');
      expectEqual(new Set(rows.slice(0, 5).map((row) => row.actionHash)).size, 5, 'distinct hashes');
    },
  },
  {
    name: 'several requests at once for the same action make one row',
    async run({ approvals }) {
      const rows = await Promise.all(Array.from({ length: 8 }, () => approvals.request(sampleRequest())));
      expectEqual(new Set(rows.map((row) => row.id)).size, 1, 'distinct rows');
    },
  },
  {
    name: 'a used row does not answer the next request',
    async run({ approvals }) {
      const first = await approvals.request(sampleRequest());
      await approvals.decide(first.id, allowOnce);
      await approvals.consume(first.id, sampleAction());
      const second = await approvals.request(sampleRequest());
      expectThat(second.id !== first.id, 'the used row was returned again');
      expectEqual(second.status, 'pending', 'status of the new row');
    },
  },
  {
    name: 'within a run a denial stands; without a run the user may be asked again',
    async run({ approvals }) {
      const inRun = await approvals.request(sampleRequest());
      await approvals.decide(inRun.id, deny);
      const again = await approvals.request(sampleRequest());
      expectEqual([again.id, again.status], [inRun.id, 'denied'], 'second request of the run');
      const { runId: _runId, ...withoutRun } = sampleRequest();
      const outside = await approvals.request(withoutRun);
      await approvals.decide(outside.id, deny);
      expectEqual((await approvals.request(withoutRun)).status, 'pending', 'second request without a run');
    },
  },
  {
    name: 'changing the payload afterwards does not change what was asked',
    async run({ approvals }) {
      const payload: { command: string } = { command: 'ls' };
      const asked = await approvals.request(sampleRequest({ action: sampleAction({ payload }) }));
      payload.command = 'rm -rf /';
      expectEqual((await approvals.get(asked.id))?.action.payload, { command: 'ls' }, 'stored payload');
      await approvals.decide(asked.id, allowOnce);
      expectEqual(await approvals.consume(asked.id, sampleAction({ payload })), false, 'consume of the changed action');
    },
  },
  {
    name: 'what JSON would change silently is refused',
    async run({ approvals }) {
      const hostile = JSON.parse('{"command":"ls","__proto__":{"command":"rm"}}') as { command: string };
      const payloads: unknown[] = [hostile, { at: new Date(0) }, { count: Number.NaN }, { all: new Map([[1, 2]]) }];
      for (const payload of payloads) {
        const action = sampleAction({ payload: payload as never });
        await expectCode(approvals.request(sampleRequest({ action })), 'GENIE_APPROVAL_INPUT');
      }
      await expectCode(approvals.request(sampleRequest({ expiresInMs: Number.NaN })), 'GENIE_APPROVAL_INPUT');
      await expectCode(approvals.request(sampleRequest({ title: '' })), 'GENIE_APPROVAL_INPUT');
      expectEqual(await approvals.list(), [], 'rows');
    },
  },
  {
    name: 'the list is oldest first and can be filtered',
    async run({ approvals, clock }) {
      const first = await approvals.request(sampleRequest());
      clock.advance(1);
      const second = await approvals.request(sampleRequest({ runId: 'run_2' }));
      clock.advance(1);
      const third = await approvals.request(sampleRequest({ action: sampleAction({ kind: 'tool' }) }));
      await approvals.decide(second.id, deny);
      const idsOf = async (filter: Parameters<typeof approvals.list>[0]): Promise<string[]> =>
        (await approvals.list(filter)).map((row) => row.id);
      expectEqual(await idsOf({}), [first.id, second.id, third.id], 'all');
      expectEqual(await idsOf({ status: 'pending' }), [first.id, third.id], 'pending');
      expectEqual(await idsOf({ status: 'pending', kind: 'tool' }), [third.id], 'pending tools');
      expectEqual(await idsOf({ runId: 'run_2' }), [second.id], 'of one run');
    },
  },
  {
    name: 'an aborted request stores nothing',
    async run({ approvals }) {
      const reason = Object.assign(new Error('stopped'), { code: 'STOPPED' });
      await expectCode(approvals.request(sampleRequest(), { signal: AbortSignal.abort(reason) }), 'STOPPED');
      expectEqual(await approvals.list(), [], 'rows');
    },
  },
];
