import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runConformance } from '@genie/core/conformance';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../store/file-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { MetricsStore } from '../store/metrics-store.ts';
import { metricsStoreSuite } from './metrics-store-suite.ts';

const inMemory = async () => ({ setup: { store: createMemoryStore() }, capabilities: new Set(['compacts']) });

async function onDisk() {
  const dir = mkdtempSync(path.join(tmpdir(), 'genie-store-'));
  const store = openFileStore({ dir });
  const reopen = async (): Promise<MetricsStore> => {
    await store.close();
    rmSync(path.join(dir, 'index.db'));
    return openFileStore({ dir });
  };
  const close = async (): Promise<void> => {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { setup: { store, reopen }, capabilities: new Set(['compacts', 'durable']), close };
}

describe('metricsStoreSuite', () => {
  it('is passed by the memory store, except for what needs durability', async () => {
    const { results } = await runConformance(metricsStoreSuite, inMemory);
    expect(results.filter((one) => one.status === 'failed')).toEqual([]);
    expect(results.filter((one) => one.status === 'unsupported').map((one) => one.name)).toEqual([
      'holds everything after it was opened again',
    ]);
  });

  it('is passed by the file store, also when its index is lost', async () => {
    const { results } = await runConformance(metricsStoreSuite, onDisk);
    expect(results.filter((one) => one.status !== 'passed')).toEqual([]);
  });
});

type Break = (store: MetricsStore) => Partial<MetricsStore>;

/** One broken store for each case. */
const mutants: Readonly<Record<string, Break>> = {
  'starts with version 0 and keeps the last definitions': (store) => {
    let first: Awaited<ReturnType<MetricsStore['loadDefinitions']>> | undefined;
    return {
      loadDefinitions: async () => {
        const next = await store.loadDefinitions();
        if (next.version > 0) first ??= next;
        return first ?? next;
      },
      saveDefinitions: async (next) => {
        await store.saveDefinitions(next);
        first ??= next;
      },
    };
  },
  'refuses definitions that do not follow the stored version': (store) => ({
    saveDefinitions: (next) => store.saveDefinitions(next).catch(() => undefined),
  }),
  'gives observations back as they were stored': (store) => ({
    observations: async (query) => (await store.observations(query)).map((one) => ({ ...one, value: one.value ?? 0 })),
  }),
  'stores the same id once, in one batch and in several': (store) => {
    let count = 0;
    return { append: (list) => store.append(list.map((one) => ({ ...one, id: `${one.id}#${count++}` }))) };
  },
  'sorts late and out-of-order observations by their time': (store) => ({
    append: (list) => store.append(list.map((one) => ({ ...one, at: one.recordedAt }))),
  }),
  'selects by KPI, run, time and number': (store) => ({
    observations: ({ runId: _runId, ...query }) => store.observations(query),
  }),
  'adds days up by the calendar of the user, with units apart': (store) => ({
    append: (list) => store.append(list.map((one) => ({ ...one, offsetMinutes: 0 }))),
  }),
  'keeps count, sums, bounds, weights, the last value and missing data of a day': (store) => ({
    days: async (query) => (await store.days(query)).map((one) => ({ ...one, count: one.count + one.noData })),
  }),
  'gives histograms when asked, and selects days': (store) => ({
    days: ({ withBins: _withBins, ...query }) => store.days(query),
  }),
  'stores a record once and lists records by time, then by writing': (store) => ({
    records: async (kind, query) =>
      [...(await store.records(kind, query))].sort((left, right) => (left.id < right.id ? -1 : 1)),
  }),
  'is not changed by what the caller does with its objects later': () => {
    const kept: Parameters<MetricsStore['append']>[0][number][] = [];
    return {
      append: async (list) => {
        kept.push(...list);
        return list.map(() => 'stored' as const);
      },
      observations: async () => kept,
    };
  },
  'refuses everything after close, and closes twice': () => ({ close: async () => undefined }),
  'compacts: raw observations go, days stay, late ones are refused, nothing counts twice': (store) => ({
    days: async (query) => {
      const raw = await store.observations({});
      return (await store.days(query)).filter((day) => raw.some((one) => Math.floor(one.at / 86_400_000) === day.day));
    },
  }),
};

describe('mutants of the metrics store', () => {
  for (const [name, breakIt] of Object.entries(mutants)) {
    it(`"${name}" catches its mutant`, async () => {
      const one = metricsStoreSuite.cases.filter((candidate) => candidate.name === name);
      expect(one).toHaveLength(1);
      const { failed } = await runConformance({ ...metricsStoreSuite, cases: one }, async () => {
        const store = createMemoryStore();
        return { setup: { store: { ...store, ...breakIt(store) } }, capabilities: new Set(['compacts']) };
      });
      expect(failed).toBe(1);
    });
  }

  it('"holds everything after it was opened again" catches a store that forgets', async () => {
    const cases = metricsStoreSuite.cases.filter((one) => one.requires === 'durable');
    const { failed } = await runConformance({ ...metricsStoreSuite, cases }, async () => {
      const setup = { store: createMemoryStore(), reopen: async () => createMemoryStore() };
      return { setup, capabilities: new Set(['compacts', 'durable']) };
    });
    expect(failed).toBe(1);
  });

  it('every case has one', () => {
    const named = metricsStoreSuite.cases.filter((one) => one.requires !== 'durable').map((one) => one.name);
    expect(named.sort()).toEqual(Object.keys(mutants).sort());
  });
});
