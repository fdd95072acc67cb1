import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { KpiDefinition } from '@genie/core/ports';
import type { MetricsStore } from '../store/metrics-store.ts';
import type { Observation } from '../store/observation.ts';

/** A fresh, empty store. `reopen` closes it and opens the same content again; only for the capability `durable`. */
export interface MetricsStoreSetup {
  readonly store: MetricsStore;
  reopen?(): Promise<MetricsStore>;
}

const dayMs = 86_400_000;
const start = Date.UTC(2026, 2, 2, 12);
const startDay = Math.floor(start / dayMs);

function observation(changes: Partial<Observation> & { readonly id: string }): Observation {
  return {
    kpiId: 'a',
    unit: 'x',
    at: start,
    offsetMinutes: 0,
    recordedAt: start,
    value: 1,
    grade: 'measured',
    source: 'suite',
    ...changes,
  };
}

const kpi: KpiDefinition = {
  id: 'a',
  name: 'A',
  unit: 'x',
  direction: 'up',
  target: 1,
  probe: { kind: 'run-field', field: 'items' },
};

const cases: ConformanceCase<MetricsStoreSetup>[] = [
  {
    name: 'starts with version 0 and keeps the last definitions',
    async run({ store }) {
      expectEqual(await store.loadDefinitions(), { version: 0, definitions: [] }, 'definitions of a fresh store');
      await store.saveDefinitions({ version: 1, definitions: [kpi] });
      await store.saveDefinitions({ version: 2, definitions: [{ ...kpi, target: 5 }] });
      expectEqual((await store.loadDefinitions()).definitions[0]?.target, 5, 'target of the newest version');
    },
  },
  {
    name: 'refuses definitions that do not follow the stored version',
    async run({ store }) {
      await store.saveDefinitions({ version: 1, definitions: [kpi] });
      await expectCode(store.saveDefinitions({ version: 1, definitions: [] }), 'GENIE_METRICS_CONFLICT');
      await expectCode(store.saveDefinitions({ version: 3, definitions: [] }), 'GENIE_METRICS_CONFLICT');
      expectEqual((await store.loadDefinitions()).definitions.length, 1, 'definitions after refused writes');
    },
  },
  {
    name: 'gives observations back as they were stored',
    async run({ store }) {
      const { value: _value, ...blank } = observation({ id: 'none', at: start + 1 });
      const none: Observation = { ...blank, reason: 'why', noData: 'failed', grade: 'unverified' };
      const full = observation({
        id: 'full',
        weight: 3,
        evidenceHash: 'ab',
        evidence: 'run:r',
        runId: 'r',
        value: -0.5,
        offsetMinutes: -330,
      });
      await store.append([full, none]);
      const found = await store.observations({});
      expectEqual(
        found.map((one) => Object.entries(one).sort()),
        [full, none].map((one) => Object.entries(one).sort()),
        'observations',
      );
    },
  },
  {
    name: 'stores the same id once, in one batch and in several',
    async run({ store }) {
      const results = await store.append([
        observation({ id: '1' }),
        observation({ id: '1', value: 9 }),
        observation({ id: '2' }),
      ]);
      expectEqual(results, ['stored', 'duplicate', 'stored'], 'results of the first batch');
      expectEqual(
        await store.append([observation({ id: '2', value: 9 })]),
        ['duplicate'],
        'results of the second batch',
      );
      expectEqual(
        (await store.observations({})).map((one) => one.value),
        [1, 1],
        'values',
      );
      expectEqual((await store.days({}))[0]?.sum, 2, 'sum of the day');
    },
  },
  {
    name: 'sorts late and out-of-order observations by their time',
    async run({ store }) {
      for (const day of [2, 0, 1])
        await store.append([observation({ id: `${day}`, at: start + day * dayMs, value: day })]);
      expectEqual(
        (await store.observations({})).map((one) => one.value),
        [0, 1, 2],
        'values by time',
      );
      expectEqual(
        (await store.days({})).map((one) => one.day - startDay),
        [0, 1, 2],
        'days',
      );
    },
  },
  {
    name: 'selects by KPI, run, time and number',
    async run({ store }) {
      const make = (id: string, kpiId: string, runId: string, hours: number): Observation =>
        observation({ id, kpiId, runId, at: start + hours * 3_600_000 });
      await store.append([
        make('1', 'a', 'r1', 0),
        make('2', 'b', 'r1', 1),
        make('3', 'a', 'r2', 2),
        make('4', 'a', 'r2', 3),
      ]);
      const ids = async (query: Parameters<MetricsStore['observations']>[0]): Promise<string[]> =>
        (await store.observations(query)).map((one) => one.id);
      expectEqual(await ids({ kpiId: 'a' }), ['1', '3', '4'], 'by KPI');
      expectEqual(await ids({ runId: 'r1' }), ['1', '2'], 'by run');
      expectEqual(
        await ids({ from: start + 3_600_000, to: start + 3 * 3_600_000 }),
        ['2', '3'],
        'by time, the end excluded',
      );
      expectEqual(await ids({ kpiId: 'a', limit: 2 }), ['3', '4'], 'the newest two');
    },
  },
  {
    name: 'adds days up by the calendar of the user, with units apart',
    async run({ store }) {
      const late = Date.UTC(2026, 2, 2, 23, 30);
      await store.append([
        observation({ id: '1', at: late, offsetMinutes: 0, value: 2 }),
        observation({ id: '2', at: late, offsetMinutes: 60, value: 3 }),
        observation({ id: '3', at: late, offsetMinutes: 60, value: 5, unit: 'y' }),
      ]);
      const days = await store.days({});
      expectEqual(
        days.map((one) => [one.day - startDay, one.unit, one.sum]),
        [
          [0, 'x', 2],
          [1, 'x', 3],
          [1, 'y', 5],
        ],
        'day, unit and sum',
      );
    },
  },
  {
    name: 'keeps count, sums, bounds, weights, the last value and missing data of a day',
    async run({ store }) {
      const { value: _value, ...blank } = observation({ id: '4' });
      await store.append([
        observation({ id: '1', at: start + 5, value: 4, weight: 10 }),
        observation({ id: '2', at: start, value: -2, grade: 'estimated' }),
        observation({ id: '3', at: start + 1, value: 3, grade: 'unverified' }),
        { ...blank, reason: 'why' },
      ]);
      const [day] = await store.days({ kpiId: 'a' });
      const {
        count,
        noData,
        estimated,
        unverified,
        sum,
        sumOfSquares,
        weightedSum,
        weight,
        minimum,
        maximum,
        lastValue,
      } = day ?? {};
      const expected = {
        count: 3,
        noData: 1,
        estimated: 1,
        unverified: 1,
        sum: 5,
        sumOfSquares: 29,
        weightedSum: 41,
        weight: 12,
        minimum: -2,
        maximum: 4,
        lastValue: 4,
      };
      const got = {
        count,
        noData,
        estimated,
        unverified,
        sum,
        sumOfSquares,
        weightedSum,
        weight,
        minimum,
        maximum,
        lastValue,
      };
      expectEqual(got, expected, 'roll-up');
    },
  },
  {
    name: 'gives histograms when asked, and selects days',
    async run({ store }) {
      await store.append([0, 1, 2].map((day) => observation({ id: `${day}`, at: start + day * dayMs })));
      const some = await store.days({ fromDay: startDay + 1, toDay: startDay + 1, withBins: true });
      expectEqual(
        some.map((one) => one.day - startDay),
        [1],
        'days in the span',
      );
      expectEqual(Object.values(some[0]?.bins ?? {}), [1], 'counts of the histogram');
    },
  },
  {
    name: 'stores a record once and lists records by time, then by writing',
    async run({ store }) {
      const put = (id: string, at: number, n: number): Promise<boolean> => store.put('change', { id, at, body: { n } });
      expectEqual(
        [await put('b', 2, 1), await put('z', 1, 2), await put('a', 2, 3), await put('b', 5, 9)],
        [true, true, true, false],
        'whether stored',
      );
      expectEqual(
        (await store.records('change')).map((row) => row.id),
        ['z', 'b', 'a'],
        'order',
      );
      expectEqual(
        (await store.records('change', { id: 'b' })).map((row) => row.body),
        [{ n: 1 }],
        'by id',
      );
      expectEqual(
        (await store.records('change', { from: 2, limit: 1 })).map((row) => row.id),
        ['a'],
        'the newest from a time',
      );
      expectEqual(await store.records('outcome'), [], 'records of another kind');
    },
  },
  {
    name: 'is not changed by what the caller does with its objects later',
    async run({ store }) {
      const mine = { ...observation({ id: '1' }) } as { value?: number } & Observation;
      const record = { id: 'r', at: 1, body: { n: 1 } };
      await store.append([mine]);
      await store.put('feedback', record);
      mine.value = 99;
      record.body.n = 99;
      expectEqual((await store.observations({}))[0]?.value, 1, 'stored value');
      expectEqual((await store.records('feedback'))[0]?.body, { n: 1 }, 'stored body');
    },
  },
  {
    name: 'refuses everything after close, and closes twice',
    async run({ store }) {
      await store.close();
      await store.close();
      await expectCode(store.append([observation({ id: '1' })]), 'GENIE_METRICS_CLOSED');
      await expectCode(store.days({}), 'GENIE_METRICS_CLOSED');
    },
  },
  {
    name: 'compacts: raw observations go, days stay, late ones are refused, nothing counts twice',
    requires: 'compacts',
    async run({ store }) {
      await store.append(
        [0, 1, 2].map((day) => observation({ id: `${day}`, at: start + day * dayMs, value: day + 1 })),
      );
      const before = await store.days({ withBins: true });
      expectEqual(await store.compact(startDay + 2), { rolledUp: 2, kept: 1 }, 'report');
      expectEqual(
        (await store.observations({})).map((one) => one.id),
        ['2'],
        'raw observations',
      );
      expectEqual(await store.days({ withBins: true }), before, 'days');
      expectEqual(await store.append([observation({ id: 'late', at: start })]), ['too-late'], 'a late observation');
      expectEqual(
        await store.append([observation({ id: 'new', at: start + 2 * dayMs })]),
        ['stored'],
        'a new observation',
      );
      await store.compact(startDay);
      expectEqual(
        (await store.days({})).map((one) => one.count),
        [1, 1, 2],
        'counts after compacting again',
      );
    },
  },
  {
    name: 'holds everything after it was opened again',
    requires: 'durable',
    async run(setup) {
      expectThat(setup.reopen !== undefined, 'a durable store needs reopen in its setup');
      await setup.store.saveDefinitions({ version: 1, definitions: [kpi] });
      await setup.store.append(
        [0, 1, 2].map((day) => observation({ id: `${day}`, at: start + day * dayMs, value: day + 1 })),
      );
      await setup.store.put('evaluation', { id: 'e', at: 1, body: { ok: true } });
      await setup.store.compact(startDay + 1);
      const days = await setup.store.days({ withBins: true });
      const again = await setup.reopen();
      expectEqual((await again.loadDefinitions()).version, 1, 'version of the definitions');
      expectEqual(await again.days({ withBins: true }), days, 'days');
      expectEqual(await again.append([observation({ id: '2' })]), ['duplicate'], 'an id stored before');
      expectEqual(await again.append([observation({ id: 'late', at: start })]), ['too-late'], 'a late observation');
      expectEqual((await again.records('evaluation')).length, 1, 'records');
      await again.close();
    },
  },
];

/** What every metrics store promises. Run it with `runConformance` of `@genie/core/conformance`. */
export const metricsStoreSuite: ConformanceSuite<MetricsStoreSetup> = { port: 'metrics store', cases };
