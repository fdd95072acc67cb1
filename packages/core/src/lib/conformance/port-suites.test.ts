import { describe, expect, it } from 'vitest';
import { createMemoryApprovals } from '../approvals/memory-approvals.ts';
import { GenieError } from '../genie-error.ts';
import type { EgressPort } from '../ports/egress.ts';
import { createIds } from '../ports/ids.ts';
import type { MemoryPort } from '../ports/memory.ts';
import type { MetricsPort, RunVerdict } from '../ports/metrics.ts';
import { fixedClock } from '../testing/fixed-clock.ts';
import { createVolatileEgress } from '../testing/volatile-egress.ts';
import { createVolatileMemory } from '../testing/volatile-memory.ts';
import { createVolatileMetrics } from '../testing/volatile-metrics.ts';
import { type ConformanceSetup, type ConformanceSuite, runConformance } from './conformance.ts';
import { type EgressSetup, egressSuite } from './egress-suite.ts';
import { type MemorySetup, memorySuite } from './memory-suite.ts';
import { type MetricsSetup, metricsSuite, sampleRuns } from './metrics-suite.ts';

describe('memorySuite', () => {
  it('is passed by the volatile memory', () => passes(memorySuite, memorySetup(), 1));

  it.each(Object.entries(memoryMutants()))('catches a memory that %s', (_what, [caughtBy, mutate]) =>
    catches(memorySuite, memorySetup(mutate, true), caughtBy),
  );

  it('has a mutant for every case', () => coversAll(memorySuite, memoryMutants()));
});

describe('metricsSuite', () => {
  it('is passed by the volatile metrics', () => passes(metricsSuite, metricsSetup(), 1));

  it.each(Object.entries(metricsMutants()))('catches metrics that %s', (_what, [caughtBy, mutate]) =>
    catches(metricsSuite, metricsSetup(mutate, true), caughtBy),
  );

  it('has a mutant for every case', () => coversAll(metricsSuite, metricsMutants()));
});

describe('egressSuite', () => {
  it('is passed by the volatile egress', () => passes(egressSuite, egressSetup(), 0));

  it.each(Object.entries(egressMutants()))('catches an egress that %s', (_what, [caughtBy, mutate]) =>
    catches(egressSuite, egressSetup(mutate), caughtBy),
  );

  it('has a mutant for every case', () => coversAll(egressSuite, egressMutants()));
});

type Mutants<Port> = Readonly<Record<string, readonly [caughtBy: string, mutate: (port: Port) => Port]>>;
type Create<Setup> = () => Promise<ConformanceSetup<Setup>>;

function memoryMutants(): Mutants<MemoryPort> {
  return {
    'sorts the wrong way round': [
      'recalls what was remembered, the best match first',
      (real) => recalling(real, (items) => items.toReversed()),
    ],
    'ignores k': [
      'gives at most k items',
      (real) => ({ ...real, recall: (query, options) => real.recall(query, { ...options, k: 1_000 }) }),
    ],
    'mixes namespaces': [
      'keeps namespaces and kinds apart',
      (real) => ({
        ...real,
        recall: (query, { namespace: _namespace, ...options } = {}) => real.recall(query, options),
      }),
    ],
    'forgets idempotency keys': [
      'remembers once for one idempotency key and returns the first id',
      (real) => ({
        ...real,
        remember: (items) => real.remember([items].flat().map(({ idempotencyKey: _key, ...item }) => item)),
      }),
    ],
    'takes texts for queries': [
      'survives texts that a store or a query language may trip over',
      (real) => ({
        ...real,
        recall: (query, options) =>
          /[*^"]/.test(query) ? Promise.reject(new Error('syntax error')) : real.recall(query, options),
      }),
    ],
    'learns a run twice': ['learns a run once', (real) => ({ ...real, learn: async () => ({ stored: 1, queued: 0 }) })],
    'enriches with nothing': [
      'puts what earlier runs found in front of a later one',
      (real) => ({ ...real, enrich: async () => ({ stable: '', volatile: '', items: [] }) }),
    ],
    'floods the prompt': [
      'keeps an enrichment within its tokens and writes nothing',
      (real) => ({ ...real, enrich: async () => ({ stable: 'x'.repeat(2_000), volatile: '', items: [] }) }),
    ],
    'ignores its signal': [
      'rejects when the signal is aborted',
      (real) => ({ ...real, enrich: (request) => real.enrich(request) }),
    ],
    'never deletes': [
      'working memory replaces, deletes and does not mix keys',
      (real) => ({ ...real, working: { ...real.working, delete: async () => undefined } }),
    ],
    'keeps the object it was given': [
      'working memory does not change with the object it was given',
      (real) => {
        const values = new Map<string, Awaited<ReturnType<MemoryPort['working']['get']>>>();
        return {
          ...real,
          working: {
            ...real.working,
            get: async (key) => values.get(key),
            set: async (key, value) => void values.set(key, value),
          },
        };
      },
    ],
    'forgets when it closes': ['what was stored outlives the process', (real) => real],
    'closes once only': ['close is idempotent', closingOnce],
  };
}

function metricsMutants(): Mutants<MetricsPort> {
  const judging = (real: MetricsPort, change: (verdict: RunVerdict) => RunVerdict): MetricsPort => ({
    ...real,
    measure: async (run, options) => change(await real.measure(run, options)),
  });
  return {
    'replace all definitions': [
      'keeps definitions and replaces the one with the same id',
      (real) => {
        let last: Parameters<MetricsPort['define']>[0] = [];
        const define: MetricsPort['define'] = async (definitions) => {
          last = definitions;
        };
        return { ...real, define, definitions: async () => last };
      },
    ],
    'believe the run': [
      'judges by what was measured, not by what the run claims',
      (real) => ({ ...real, measure: async (run) => ({ ...(await real.measure(run)), outcome: 'achieved' }) }),
    ],
    'give no source': [
      'says where each value comes from',
      (real) =>
        judging(real, (verdict) => ({
          ...verdict,
          readings: verdict.readings.map((reading) => ({ ...reading, source: '' })),
        })),
    ],
    'read no data as zero': [
      'turns a probe that cannot be run into "no data" with a reason, never into a zero',
      (real) =>
        judging(real, (verdict) => ({
          ...verdict,
          readings: verdict.readings.map((reading) => ({ ...reading, value: reading.value ?? 0 })),
        })),
    ],
    'praise a run without KPIs': [
      'leaves a run without KPIs unverified',
      (real) =>
        judging(real, (verdict) => ({
          ...verdict,
          outcome: verdict.readings.length === 0 ? 'achieved' : verdict.outcome,
        })),
    ],
    'measure a run twice': [
      'measures a run once: the same verdict for the same run id',
      (real) => {
        let times = 0;
        return {
          ...real,
          measure(run, options) {
            times += 1;
            return real.measure({ ...run, runId: `${run.runId}-${times}` }, options);
          },
        };
      },
    ],
    'ignore their signal': [
      'rejects when the signal is aborted',
      (real) => ({ ...real, measure: (run) => real.measure(run) }),
    ],
    'forget when they close': ['definitions and verdicts outlive the process', (real) => real],
    'close once only': ['close is idempotent', closingOnce],
  };
}

function egressMutants(): Mutants<EgressPort> {
  return {
    'loses bodies': [
      'lets through what is allowed, with its body',
      (real) =>
        fetching(real, (input, init, context) =>
          real.fetch(input, init?.body ? { ...init, body: 'x' } : init, context),
        ),
    ],
    'lets everything through': [
      'refuses everything else with GENIE_EGRESS_DENIED, and nothing arrives',
      (real) =>
        fetching(real, async (input, init, context) => {
          try {
            return await real.fetch(input, init, context);
          } catch (error) {
            if (GenieError.isInstance(error) && error.code === 'GENIE_EGRESS_DENIED') return new Response('hello');
            throw error;
          }
        }),
    ],
    'ignores aborts': [
      'stops at an abort',
      (real) =>
        fetching(real, (input, { signal: _signal, ...init } = {}, context) =>
          Promise.race([
            real.fetch(input, init, context),
            new Promise<Response>((resolve) => setTimeout(() => resolve(new Response('')), 200)),
          ]),
        ),
    ],
    boasts: ['declares what it enforces', (real) => ({ ...real, grade: 'perfect' as never })],
    'asks once and then opens up': [
      'asks before it lets a new place through, once for one answer, and sends nothing meanwhile',
      (real) => {
        let isOpen = false;
        return fetching(real, async (input, init, context) => {
          if (isOpen) return new Response('hello');
          const response = await real.fetch(input, init, context);
          isOpen = true;
          return response;
        });
      },
    ],
    'takes a no for a maybe': [
      'takes a no for a no',
      (real) =>
        fetching(real, async (input, init, context) => {
          try {
            return await real.fetch(input, init, context);
          } catch (error) {
            if (context?.runId && GenieError.isInstance(error) && error.code === 'GENIE_EGRESS_DENIED')
              return new Response('hello');
            throw error;
          }
        }),
    ],
    'stays open': [
      'close is idempotent, and nothing leaves afterwards',
      (real) => ({ ...fetching(real, real.fetch.bind(real)), close: async () => undefined }),
    ],
  };
}

function recalling(
  real: MemoryPort,
  change: (
    items: Awaited<ReturnType<MemoryPort['recall']>>['items'],
  ) => Awaited<ReturnType<MemoryPort['recall']>>['items'],
): MemoryPort {
  return {
    ...real,
    async recall(query, options) {
      const answer = await real.recall(query, options);
      return { ...answer, items: change(answer.items) };
    },
  };
}

function fetching(real: EgressPort, fetch: EgressPort['fetch']): EgressPort {
  return { grade: real.grade, fetch, close: () => real.close() };
}

function closingOnce<Port extends { close(): Promise<void> }>(real: Port): Port {
  let isClosed = false;
  const close = async () => {
    if (isClosed) throw new Error('closed twice');
    isClosed = true;
  };
  return { ...real, close };
}

function memorySetup(mutate = (port: MemoryPort) => port, durable = false): Create<MemorySetup> {
  return async () => ({
    setup: { memory: mutate(createVolatileMemory()), reopen: async () => mutate(createVolatileMemory()) },
    capabilities: new Set(durable ? ['durable'] : []),
  });
}

function metricsSetup(mutate = (port: MetricsPort) => port, durable = false): Create<MetricsSetup> {
  const kpi = {
    id: 'items',
    name: 'Items',
    unit: 'items',
    direction: 'up',
    target: 3,
    probe: { kind: 'run', count: 'items' },
  } as const;
  return async () => ({
    setup: {
      metrics: mutate(createVolatileMetrics()),
      kpi,
      ...sampleRuns(),
      reopen: async () => mutate(createVolatileMetrics()),
    },
    capabilities: new Set(durable ? ['durable'] : []),
  });
}

function egressSetup(mutate = (port: EgressPort) => port): Create<EgressSetup> {
  return async () => {
    let arrivals = 0;
    const respond = async (request: Request): Promise<Response> => {
      const { hostname, pathname } = new URL(request.url);
      if (hostname === 'denied.test') arrivals += 1;
      if (pathname === '/slow') return new Promise(() => undefined);
      return new Response(pathname === '/echo' ? await request.text() : 'hello');
    };
    const clock = fixedClock();
    const approvals = createMemoryApprovals({ clock, ids: createIds(clock) });
    const asking = mutate(createVolatileEgress({ approvals, respond }));
    const decide = async (verdict: 'allow-once' | 'deny') => {
      for (const row of await approvals.list({ status: 'pending' }))
        await approvals.decide(row.id, { verdict, by: 'user' });
    };
    return {
      setup: {
        egress: mutate(createVolatileEgress({ allow: ['allowed.test'], respond })),
        allowedUrl: 'https://allowed.test',
        deniedUrl: 'https://denied.test',
        arrivals: () => arrivals,
        asking: { egress: asking, decide },
      },
      capabilities: new Set(['approvals']),
    };
  };
}

async function passes<Setup>(
  suite: ConformanceSuite<Setup>,
  create: Create<Setup>,
  unsupported: number,
): Promise<void> {
  const { results } = await runConformance(suite, create);
  expect(results.filter((result) => result.status === 'failed')).toEqual([]);
  expect(results.filter((result) => result.status === 'unsupported')).toHaveLength(unsupported);
}

async function catches<Setup>(suite: ConformanceSuite<Setup>, create: Create<Setup>, caughtBy: string): Promise<void> {
  const { results } = await runConformance(suite, create);
  expect(results.filter((result) => result.status === 'failed').map((result) => result.name)).toContain(caughtBy);
}

function coversAll<Setup, Port>(suite: ConformanceSuite<Setup>, mutants: Mutants<Port>): void {
  const caught = new Set(Object.values(mutants).map(([name]) => name));
  expect(suite.cases.map((one) => one.name).filter((name) => !caught.has(name))).toEqual([]);
}
