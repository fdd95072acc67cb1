import { type ConformanceSuite, expectCode, expectEqual, expectThat } from '@genie/core/conformance';
import type { Approvals, EgressPort } from '@genie/core/ports';

/** A filter between a test and a web server that tells what reached it. */
export interface EgressPortSetup {
  readonly egress: EgressPort;
  /** Answers 200; `/redirect?to=<url>` answers 302. Its host is in the allowlist. */
  readonly allowedOrigin: string;
  /** The same server under a name that nobody allowed. */
  readonly unknownOrigin: string;
  /** The same server by its address. */
  readonly literalOrigin: string;
  /** With the capability `approvals`: what the filter asks. */
  readonly approvals?: Approvals;
  /** Paths that reached the server. */
  arrived(): readonly string[];
  /** Names that were looked up. */
  lookups(): readonly string[];
}

const denied = 'GENIE_EGRESS_DENIED';

/** What every implementation of core's `EgressPort` promises. Capabilities: `approvals`. */
export const egressPortSuite: ConformanceSuite<EgressPortSetup> = {
  port: 'EgressPort',
  cases: [
    {
      name: 'fetches what is allowed',
      async run({ egress, allowedOrigin, arrived }) {
        expectEqual((await egress.fetch(`${allowedOrigin}/a`, { method: 'POST', body: 'x' })).status, 200, 'status');
        expectEqual(arrived(), ['/a'], 'what arrived');
      },
    },
    {
      name: 'refuses what nobody allowed, before it is looked up',
      async run({ egress, unknownOrigin, arrived, lookups }) {
        const error = await egress.fetch(`${unknownOrigin}/a`).catch((thrown: unknown) => thrown);
        const code = String((error as { code?: unknown }).code);
        expectThat(code === denied || code === 'GENIE_APPROVAL_REQUIRED', `expected a refusal, got ${code}`);
        expectEqual(arrived(), [], 'what arrived');
        expectEqual(lookups(), [], 'what was looked up');
      },
    },
    {
      name: 'judges every hop of a redirect',
      async run({ egress, allowedOrigin, literalOrigin, arrived }) {
        const to = encodeURIComponent(`${literalOrigin}/secret`);
        await expectCode(egress.fetch(`${allowedOrigin}/redirect?to=${to}`), denied);
        expectThat(!arrived().includes('/secret'), 'the redirect was followed');
      },
    },
    {
      name: 'refuses an address, whatever its spelling',
      async run({ egress, literalOrigin, arrived }) {
        const port = new URL(literalOrigin).port;
        for (const host of [
          new URL(literalOrigin).hostname,
          '2130706433',
          '0x7f.1',
          '[::1]',
          '[::ffff:127.0.0.1]',
          'localhost',
        ]) {
          await expectCode(egress.fetch(`http://${host}:${port}/`), denied);
        }
        expectEqual(arrived(), [], 'what arrived');
      },
    },
    {
      name: 'refuses other schemes and user information',
      async run({ egress, allowedOrigin }) {
        await expectCode(egress.fetch('file:///etc/hostname'), denied);
        await expectCode(egress.fetch('data:text/plain,x'), denied);
        await expectCode(egress.fetch(allowedOrigin.replace('://', '://user@')), denied);
      },
    },
    {
      name: 'stops when its signal aborts',
      async run({ egress, allowedOrigin, arrived }) {
        let wasStopped = false;
        await egress.fetch(`${allowedOrigin}/a`, { signal: AbortSignal.abort(new Error('enough')) }).catch(() => {
          wasStopped = true;
        });
        expectThat(wasStopped, 'it did not stop');
        expectEqual(arrived(), [], 'what arrived');
      },
    },
    {
      name: 'asks for what is unknown and sends nothing meanwhile',
      requires: 'approvals',
      async run({ egress, unknownOrigin, approvals, arrived }) {
        await expectCode(
          egress.fetch(`${unknownOrigin}/a?key=secret`, {}, { runId: 'run_1', tool: 'web' }),
          'GENIE_APPROVAL_REQUIRED',
        );
        const rows = (await approvals?.list({ status: 'pending', kind: 'egress' })) ?? [];
        expectEqual(rows.length, 1, 'pending approvals');
        expectEqual(rows[0]?.runId, 'run_1', 'the run of the approval');
        expectThat(!JSON.stringify(rows).includes('secret'), 'the query string is in the approval');
        expectEqual(arrived(), [], 'what arrived');
      },
    },
    {
      name: 'lets exactly one request through for "allow once"',
      requires: 'approvals',
      async run({ egress, unknownOrigin, approvals, arrived }) {
        const ask = () => egress.fetch(`${unknownOrigin}/a`, {}, { runId: 'run_1' });
        await expectCode(ask(), 'GENIE_APPROVAL_REQUIRED');
        const [row] = (await approvals?.list()) ?? [];
        await approvals?.decide(row?.id ?? '', { verdict: 'allow-once', by: 'test' });
        expectEqual((await ask()).status, 200, 'status');
        await expectCode(ask(), 'GENIE_APPROVAL_REQUIRED');
        expectEqual(arrived(), ['/a'], 'what arrived');
      },
    },
    {
      name: 'does not let another request pass on an approval',
      requires: 'approvals',
      async run({ egress, unknownOrigin, approvals, arrived }) {
        const ask = (path: string) => egress.fetch(`${unknownOrigin}${path}`, {}, { runId: 'run_1' });
        await expectCode(ask('/a'), 'GENIE_APPROVAL_REQUIRED');
        const [row] = (await approvals?.list()) ?? [];
        await approvals?.decide(row?.id ?? '', { verdict: 'allow-once', by: 'test' });
        await expectCode(ask('/b'), 'GENIE_APPROVAL_REQUIRED');
        expectEqual(arrived(), [], 'what arrived');
      },
    },
    {
      name: 'takes no for an answer',
      requires: 'approvals',
      async run({ egress, unknownOrigin, approvals, arrived }) {
        const ask = () => egress.fetch(`${unknownOrigin}/a`, {}, { runId: 'run_1' });
        await expectCode(ask(), 'GENIE_APPROVAL_REQUIRED');
        const [row] = (await approvals?.list()) ?? [];
        await approvals?.decide(row?.id ?? '', { verdict: 'deny', by: 'test' });
        await expectCode(ask(), denied);
        expectEqual(arrived(), [], 'what arrived');
      },
    },
    {
      name: 'lets nothing out after it was closed',
      async run({ egress, allowedOrigin, arrived }) {
        await egress.close();
        await egress.close();
        let wasRefused = false;
        await egress.fetch(`${allowedOrigin}/a`).catch(() => {
          wasRefused = true;
        });
        expectThat(wasRefused && arrived().length === 0, 'it still fetches');
      },
    },
    {
      name: 'names its grade',
      run({ egress }) {
        expectThat(['in-process', 'proxy', 'contained'].includes(egress.grade), `grade is ${egress.grade}`);
        return Promise.resolve();
      },
    },
  ],
};
