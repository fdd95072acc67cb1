import { createMemoryApprovals } from '@genie/core';
import { type ConformanceSetup, runConformance } from '@genie/core/conformance';
import { type Approvals, createIds, type EgressPort, systemClock } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { createEgress, type Egress } from '../create-egress.ts';
import { startOrigin } from '../testing/origin-server.ts';
import { type EgressPortSetup, egressPortSuite } from './egress-port-suite.ts';

type Break = (egress: Egress, parts: { readonly approvals: Approvals; readonly port: number }) => EgressPort;

function setup(breakIt?: Break): () => Promise<ConformanceSetup<EgressPortSetup>> {
  return async () => {
    const origin = await startOrigin((request, response) => {
      const to = new URL(request.url ?? '', 'http://x').searchParams.get('to');
      if (to === null) response.end('ok');
      else response.writeHead(302, { location: to }).end();
    });
    const lookups: string[] = [];
    const approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
    const real = createEgress({
      allow: ['allowed.test'],
      ports: [origin.port],
      allowPrivate: [`127.0.0.1:${origin.port}`],
      approvals,
      lookup: async (host: string) => {
        lookups.push(host);
        return ['127.0.0.1'];
      },
    });
    const egress = breakIt?.(real, { approvals, port: origin.port }) ?? real;
    return {
      capabilities: new Set(['approvals']),
      setup: {
        egress,
        approvals,
        allowedOrigin: `http://allowed.test:${origin.port}`,
        unknownOrigin: `http://unknown.test:${origin.port}`,
        literalOrigin: `http://127.0.0.1:${origin.port}`,
        arrived: () => origin.requests.map((request) => request.url),
        lookups: () => lookups,
      },
      async close() {
        await real.close();
        await approvals.close();
        await origin.close();
      },
    };
  };
}

const withFetch =
  (change: (egress: Egress, parts: Parameters<Break>[1]) => EgressPort['fetch']): Break =>
  (egress, parts) => ({ grade: egress.grade, close: () => egress.close(), fetch: change(egress, parts) });

const throughOpenDoor = (port: number): Egress =>
  createEgress({
    allow: ['allowed.test', 'unknown.test', `127.0.0.1:${port}`],
    ports: [port],
    allowPrivate: [`127.0.0.1:${port}`],
    lookup: async () => ['127.0.0.1'],
  });

const allowAlways = async (approvals: Approvals): Promise<void> => {
  for (const row of await approvals.list({ status: 'pending' }))
    await approvals.decide(row.id, { verdict: 'allow-always', by: 'mutant' });
};

// Each breaks one promise; the case of that name has to notice.
const mutants: Readonly<Record<string, Break>> = {
  'fetches what is allowed': withFetch(() => () => Promise.resolve(new Response('cached'))),
  'refuses what nobody allowed, before it is looked up': withFetch((egress) => async (input, init, context) => {
    await egress.gate
      .open({
        host: { kind: 'name', name: new URL(String(input)).hostname },
        port: Number(new URL(String(input)).port),
      })
      .then((socket) => socket.destroy());
    return egress.fetch(input, init, context);
  }),
  'judges every hop of a redirect': withFetch((egress, { port }) => async (input, init, context) => {
    const answer = await egress.fetch(input, { ...init, redirect: 'manual' }, context);
    const location = answer.headers.get('location');
    return location === null ? answer : throughOpenDoor(port).fetch(location);
  }),
  'refuses an address, whatever its spelling': withFetch((egress, { port }) => (input, init, context) => {
    const isLiteral = new URL(String(input)).hostname === '127.0.0.1';
    return isLiteral ? throughOpenDoor(port).fetch(input, init) : egress.fetch(input, init, context);
  }),
  'refuses other schemes and user information': withFetch(
    (egress) => (input, init, context) =>
      String(input).startsWith('data:') ? fetch(String(input)) : egress.fetch(input, init, context),
  ),
  'stops when its signal aborts': withFetch(
    (egress) => (input, init, context) => egress.fetch(input, { ...init, signal: null }, context),
  ),
  'asks for what is unknown and sends nothing meanwhile': withFetch(
    (egress, { port }) =>
      async (input, init, context) => {
        if (String(input).includes('unknown')) await throughOpenDoor(port).fetch(input, init);
        return egress.fetch(input, init, context);
      },
  ),
  'lets exactly one request through for "allow once"': withFetch(
    (egress, { approvals, port }) =>
      async (input, init, context) => {
        const wasAllowed = (await approvals.list()).some((row) => row.status === 'used');
        return wasAllowed ? throughOpenDoor(port).fetch(input, init) : egress.fetch(input, init, context);
      },
  ),
  'does not let another request pass on an approval': withFetch(
    (egress, { approvals }) =>
      async (input, init, context) => {
        const answer = egress.fetch(input, init, context);
        await answer.catch(() => undefined);
        if ((await approvals.list()).length < 2) return answer;
        await allowAlways(approvals);
        return egress.fetch(input, init, context);
      },
  ),
  'takes no for an answer': withFetch((egress, { approvals, port }) => async (input, init, context) => {
    const wasDenied = (await approvals.list({ status: 'denied' })).length > 0;
    return wasDenied ? throughOpenDoor(port).fetch(input, init) : egress.fetch(input, init, context);
  }),
  'lets nothing out after it was closed': (egress) => ({
    grade: egress.grade,
    close: () => Promise.resolve(),
    fetch: egress.fetch,
  }),
  'names its grade': (egress) => ({ grade: 'total' as 'proxy', close: () => egress.close(), fetch: egress.fetch }),
};

describe('egressPortSuite', () => {
  it('passes for createEgress', async () => {
    const report = await runConformance(egressPortSuite, setup());
    expect(report.results.filter((result) => result.status !== 'passed')).toEqual([]);
  });

  it('has a mutant for every case', () => {
    expect(Object.keys(mutants).sort()).toEqual(egressPortSuite.cases.map((one) => one.name).sort());
  });

  it.each(Object.entries(mutants))('notices an implementation that breaks "%s"', async (name, breakIt) => {
    const cases = egressPortSuite.cases.filter((one) => one.name === name);
    const report = await runConformance({ ...egressPortSuite, cases }, setup(breakIt));
    expect(report.results.map((result) => result.status)).toEqual(['failed']);
  });
});
