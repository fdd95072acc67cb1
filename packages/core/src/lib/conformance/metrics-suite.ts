import type { KpiDefinition, MetricsPort } from '../ports/metrics.ts';
import type { RunRecord } from '../run-record.ts';
import { type ConformanceCase, type ConformanceSuite, expectEqual, expectThat } from './conformance.ts';
import { sampleRun } from './sample-run.ts';

/** What a case of the metrics suite gets: metrics without definitions, and a KPI that the implementation can measure. */
export interface MetricsSetup {
  readonly metrics: MetricsPort;
  /** A KPI that is met by `good` and missed by `bad`, both with readings of the grade `measured`. */
  readonly kpi: KpiDefinition;
  readonly good: RunRecord;
  readonly bad: RunRecord;
  /** With the capability `durable`: closes the metrics and opens the same contents again. */
  readonly reopen?: () => Promise<MetricsPort>;
}

const cases: readonly ConformanceCase<MetricsSetup>[] = [
  {
    name: 'keeps definitions and replaces the one with the same id',
    async run({ metrics, kpi }) {
      expectEqual(await metrics.definitions(), [], 'definitions at first');
      await metrics.define([kpi, { ...kpi, id: 'another-kpi' }]);
      await metrics.define([{ ...kpi, name: 'A new name' }]);
      const names = (await metrics.definitions()).map((definition) => [definition.id, definition.name]);
      expectEqual(
        names.sort(),
        [
          [kpi.id, 'A new name'],
          ['another-kpi', kpi.name],
        ].sort(),
        'definitions',
      );
    },
  },
  {
    name: 'judges by what was measured, not by what the run claims',
    async run({ metrics, kpi, good, bad }) {
      await metrics.define([kpi]);
      const achieved = await metrics.measure({ ...good, runId: 'run_good', claim: 'not-achieved' });
      const failed = await metrics.measure({ ...bad, runId: 'run_bad', claim: 'achieved' });
      expectEqual(
        [achieved.outcome, achieved.readings[0]?.status, achieved.readings[0]?.grade],
        ['achieved', 'met', 'measured'],
        'a good run',
      );
      expectEqual(
        [failed.outcome, failed.readings[0]?.status],
        ['not-achieved', 'missed'],
        'a bad run that claims success',
      );
    },
  },
  {
    name: 'says where each value comes from',
    async run({ metrics, kpi, good }) {
      await metrics.define([kpi]);
      const [reading] = (await metrics.measure(good)).readings;
      expectThat(reading && reading.source !== '', 'a reading names its source');
      expectEqual([reading.kpiId, reading.unit, reading.target], [kpi.id, kpi.unit, kpi.target], 'the reading');
      expectThat(typeof reading.value === 'number', 'a measured reading has a value');
    },
  },
  {
    name: 'turns a probe that cannot be run into "no data" with a reason, never into a zero',
    async run({ metrics, kpi, good }) {
      await metrics.define([{ ...kpi, probe: { kind: 'a-probe-that-nobody-has' } }]).catch(() => undefined);
      const defined = await metrics.definitions();
      // Refusing such a definition is fine too.
      if (defined.length === 0) return;
      const verdict = await metrics.measure(good);
      const [reading] = verdict.readings;
      expectEqual([reading?.status, reading?.value], ['no-data', undefined], 'the reading');
      expectThat(reading?.reason, 'no data has a reason');
      expectThat(verdict.outcome !== 'achieved', 'no data is no success');
    },
  },
  {
    name: 'leaves a run without KPIs unverified',
    async run({ metrics, good }) {
      const { outcome, readings } = await metrics.measure(good);
      expectEqual([outcome, readings], ['unverified', []], 'the verdict');
    },
  },
  {
    name: 'measures a run once: the same verdict for the same run id',
    async run({ metrics, kpi, good, bad }) {
      await metrics.define([kpi]);
      const first = await metrics.measure({ ...good, runId: 'run_same' });
      expectEqual((await metrics.measure({ ...bad, runId: 'run_same' })).outcome, first.outcome, 'the second verdict');
    },
  },
  {
    name: 'rejects when the signal is aborted',
    async run({ metrics, kpi, good }) {
      await metrics.define([kpi]);
      const [result] = await Promise.allSettled([metrics.measure(good, { signal: AbortSignal.abort() })]);
      expectEqual(result.status, 'rejected', 'a call with an aborted signal');
    },
  },
  {
    name: 'definitions and verdicts outlive the process',
    requires: 'durable',
    async run({ metrics, kpi, good, bad, reopen }) {
      await metrics.define([kpi]);
      await metrics.measure({ ...good, runId: 'run_same' });
      expectThat(reopen, 'a setup with the capability "durable" has "reopen"');
      const next = await reopen();
      expectEqual(
        (await next.definitions()).map((definition) => definition.id),
        [kpi.id],
        'definitions',
      );
      expectEqual(
        (await next.measure({ ...bad, runId: 'run_same' })).outcome,
        'achieved',
        'the verdict of a run that was measured before',
      );
    },
  },
  {
    name: 'close is idempotent',
    async run({ metrics }) {
      await metrics.close();
      await metrics.close();
    },
  },
];

/** Every promise of the `MetricsPort`. Capabilities: `durable` (contents outlive their process; see `reopen`). */
export const metricsSuite: ConformanceSuite<MetricsSetup> = { port: 'MetricsPort', cases };

/** Two runs for a KPI that counts the items of a briefing. */
export function sampleRuns(): { readonly good: RunRecord; readonly bad: RunRecord } {
  const items = [1, 2, 3].map((number) => ({ id: `item_${number}`, text: `Item ${number}`, citations: [] }));
  return {
    good: sampleRun({ runId: 'run_good', briefing: { title: 'News', markdown: '', items } }),
    bad: sampleRun({ runId: 'run_bad', briefing: { title: 'News', markdown: '', items: [] } }),
  };
}
