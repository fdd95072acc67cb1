import type { EgressPort } from '../ports/egress.ts';
import { type ConformanceCase, type ConformanceSuite, expectCode, expectEqual, expectThat } from './conformance.ts';

/** What a case of the egress suite gets: an egress that allows one place, and two places to reach. */
export interface EgressSetup {
  readonly egress: EgressPort;
  /** Answers `GET /hello` with the text `hello`, echoes the body of `POST /echo`, and never answers `GET /slow`. Allowed. */
  readonly allowedUrl: string;
  /** The same, not allowed. */
  readonly deniedUrl: string;
  /** How many requests of any kind arrived at the place that is not allowed. */
  readonly arrivals: () => number;
  /** With the capability `approvals`: an egress that asks, and the user's answer to all open questions. */
  readonly asking?: { readonly egress: EgressPort; decide(verdict: 'allow-once' | 'deny'): Promise<void> };
}

const cases: readonly ConformanceCase<EgressSetup>[] = [
  {
    name: 'lets through what is allowed, with its body',
    async run({ egress, allowedUrl }) {
      const hello = await egress.fetch(`${allowedUrl}/hello`);
      expectEqual([hello.status, await hello.text()], [200, 'hello'], 'GET');
      const echo = await egress.fetch(new URL(`${allowedUrl}/echo`), { method: 'POST', body: 'größe' });
      expectEqual(await echo.text(), 'größe', 'POST');
      const request = await egress.fetch(new Request(`${allowedUrl}/hello`));
      expectEqual(await request.text(), 'hello', 'a Request object');
    },
  },
  {
    name: 'refuses everything else with GENIE_EGRESS_DENIED, and nothing arrives',
    async run({ egress, deniedUrl, arrivals }) {
      for (const method of ['GET', 'POST', 'HEAD']) {
        await expectCode(egress.fetch(`${deniedUrl}/hello`, { method }), 'GENIE_EGRESS_DENIED');
      }
      expectEqual(arrivals(), 0, 'requests that arrived');
    },
  },
  {
    name: 'stops at an abort',
    async run({ egress, allowedUrl }) {
      const controller = new AbortController();
      const slow = egress.fetch(`${allowedUrl}/slow`, { signal: controller.signal });
      setTimeout(() => controller.abort(), 20);
      const [result] = await Promise.allSettled([slow]);
      expectEqual(result.status, 'rejected', 'a request that was aborted');
      const [before] = await Promise.allSettled([egress.fetch(`${allowedUrl}/hello`, { signal: AbortSignal.abort() })]);
      expectEqual(before.status, 'rejected', 'a request with an aborted signal');
    },
  },
  {
    name: 'declares what it enforces',
    async run({ egress }) {
      expectThat(
        ['in-process', 'proxy', 'contained'].includes(egress.grade),
        `grade is one of three, got ${String(egress.grade)}`,
      );
    },
  },
  {
    name: 'asks before it lets a new place through, once for one answer, and sends nothing meanwhile',
    requires: 'approvals',
    async run({ asking, deniedUrl, arrivals }) {
      expectThat(asking, 'a setup with the capability "approvals" has "asking"');
      const context = { genieId: 'genie_a', runId: 'run_1', tool: 'web' };
      const reach = () => asking.egress.fetch(`${deniedUrl}/hello`, {}, context);
      await expectCode(reach(), 'GENIE_APPROVAL_REQUIRED');
      expectEqual(arrivals(), 0, 'requests that arrived before the decision');
      await asking.decide('allow-once');
      expectEqual(await (await reach()).text(), 'hello', 'the answer after the decision');
      await expectCode(reach(), 'GENIE_APPROVAL_REQUIRED');
      expectEqual(arrivals(), 1, 'requests that arrived for one "allow once"');
    },
  },
  {
    name: 'takes a no for a no',
    requires: 'approvals',
    async run({ asking, deniedUrl, arrivals }) {
      expectThat(asking, 'a setup with the capability "approvals" has "asking"');
      const reach = () => asking.egress.fetch(`${deniedUrl}/hello`, {}, { genieId: 'genie_a', runId: 'run_1' });
      await expectCode(reach(), 'GENIE_APPROVAL_REQUIRED');
      await asking.decide('deny');
      await expectCode(reach(), 'GENIE_EGRESS_DENIED');
      expectEqual(arrivals(), 0, 'requests that arrived');
    },
  },
  {
    name: 'close is idempotent, and nothing leaves afterwards',
    async run({ egress, allowedUrl }) {
      await egress.close();
      await egress.close();
      const [result] = await Promise.allSettled([egress.fetch(`${allowedUrl}/hello`)]);
      expectEqual(result.status, 'rejected', 'a request after close');
    },
  },
];

/** Every promise of the `EgressPort`. Capabilities: `approvals` (it asks the user; see `asking`). */
export const egressSuite: ConformanceSuite<EgressSetup> = { port: 'EgressPort', cases };
