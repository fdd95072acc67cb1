import type { KpiDefinition, KpiReading, KpiStatus, MetricsPort, RunVerdict } from '../ports/metrics.ts';
import type { RunRecord } from '../run-record.ts';

/** What the probe kind `run` can count: `{ kind: 'run', count: 'items' }`. */
const counters: Readonly<Record<string, (run: RunRecord) => number>> = {
  items: (run) => run.briefing?.items.length ?? 0,
  steps: (run) => run.steps,
  calls: (run) => run.toolCalls.length,
  'failed-calls': (run) => run.toolCalls.filter((call) => call.status !== 'completed').length,
};

/**
 * Metrics that live as long as their process and know one kind of probe: counting in the run's record. Any other probe
 * gives "no data" with the reason, never a zero. For tests.
 */
export function createVolatileMetrics(): MetricsPort {
  const definitions = new Map<string, KpiDefinition>();
  const verdicts = new Map<string, RunVerdict>();
  return {
    definitions: async () => [...definitions.values()],
    async define(changes) {
      for (const definition of changes) definitions.set(definition.id, definition);
    },
    async measure(run, { signal } = {}) {
      signal?.throwIfAborted();
      const known = verdicts.get(run.runId);
      if (known) return known;
      const readings = [...definitions.values()].map((definition) => read(definition, run));
      const verdict: RunVerdict = { outcome: judge(readings), readings };
      verdicts.set(run.runId, verdict);
      return verdict;
    },
    close: async () => undefined,
  };
}

function read(definition: KpiDefinition, run: RunRecord): KpiReading {
  const { id, name, unit, target, probe } = definition;
  const base = { kpiId: id, name, unit, target, source: `run ${run.runId}` };
  const count = probe.kind === 'run' && typeof probe.count === 'string' ? counters[probe.count] : undefined;
  if (!count) {
    const reason = `This probe (${JSON.stringify(probe)}) is not one of { kind: "run", count: ${Object.keys(counters)
      .map((one) => `"${one}"`)
      .join(' | ')} }.`;
    return { ...base, status: 'no-data', grade: 'unverified', reason };
  }
  const value = count(run);
  return { ...base, value, status: statusOf(definition, value), grade: 'measured' };
}

function statusOf({ direction, target, warning }: KpiDefinition, value: number): KpiStatus {
  const reaches = (limit: number) => (direction === 'up' ? value >= limit : value <= limit);
  if (reaches(target)) return 'met';
  return warning !== undefined && reaches(warning) ? 'warning' : 'missed';
}

function judge(readings: readonly KpiReading[]): RunVerdict['outcome'] {
  const known = readings.filter((reading) => reading.status !== 'no-data');
  if (known.length === 0) return 'unverified';
  const met = known.filter((reading) => reading.status === 'met').length;
  if (met === readings.length) return 'achieved';
  return met > 0 ? 'partly' : 'not-achieved';
}
