import { GenieError } from '@genie/core/errors';
import { type DayRollup, mergeRollups, rollupOf } from './day-rollup.ts';
import type {
  AppendResult,
  DayQuery,
  DefinitionSet,
  MetricsStore,
  ObservationQuery,
  RecordKind,
  RecordQuery,
  StoredRecord,
} from './metrics-store.ts';
import { localDay, type Observation } from './observation.ts';

/** A metrics store in memory, for tests and for experiments that need no history. Nothing survives the process. */
export function createMemoryStore(): MetricsStore {
  let definitions: DefinitionSet = { version: 0, definitions: [] };
  let raw: Observation[] = [];
  let firstRawDay = Number.NEGATIVE_INFINITY;
  let closed = false;
  const ids = new Set<string>();
  const days = new Map<string, DayRollup>();
  const records = new Map<RecordKind, Map<string, StoredRecord>>();

  const assertOpen = (): void => {
    if (closed)
      throw new GenieError('GENIE_METRICS_CLOSED', 'The metrics store is closed. Open it again with openMetrics.');
  };
  const appendOne = (observation: Observation): AppendResult => {
    if (ids.has(observation.id)) return 'duplicate';
    const day = localDay(observation.at, observation.offsetMinutes);
    if (day < firstRawDay) return 'too-late';
    ids.add(observation.id);
    raw.push(observation);
    const key = JSON.stringify([observation.kpiId, observation.unit, day]);
    const rollup = rollupOf(observation);
    const known = days.get(key);
    days.set(key, known === undefined ? rollup : mergeRollups(known, rollup));
    return 'stored';
  };

  return {
    capabilities: { durable: false, compacts: true },
    async loadDefinitions() {
      assertOpen();
      return definitions;
    },
    async saveDefinitions(next) {
      assertOpen();
      if (next.version !== definitions.version + 1) throw conflict(next.version, definitions.version);
      definitions = structuredClone(next);
    },
    async append(observations) {
      assertOpen();
      return observations.map((observation) => appendOne(structuredClone(observation)));
    },
    async observations(query) {
      assertOpen();
      return selectObservations(raw, query);
    },
    async days(query) {
      assertOpen();
      return selectDays([...days.values()], query);
    },
    async put(kind, record) {
      assertOpen();
      const rows = records.get(kind) ?? new Map<string, StoredRecord>();
      records.set(kind, rows);
      if (rows.has(record.id)) return false;
      rows.set(record.id, structuredClone(record));
      return true;
    },
    async records(kind, query = {}) {
      assertOpen();
      return selectRecords([...(records.get(kind)?.values() ?? [])], query);
    },
    async compact(beforeDay) {
      assertOpen();
      const kept = raw.filter((one) => localDay(one.at, one.offsetMinutes) >= beforeDay);
      const rolledUp = raw.length - kept.length;
      raw = kept;
      firstRawDay = Math.max(firstRawDay, beforeDay);
      return { rolledUp, kept: kept.length };
    },
    async close() {
      closed = true;
    },
  };
}

/** Another writer was faster, or the caller started from an old version. */
export function conflict(wanted: number, stored: number): GenieError {
  return new GenieError(
    'GENIE_METRICS_CONFLICT',
    `Definitions version ${wanted} cannot follow the stored version ${stored}. Load the definitions again and repeat the change.`,
    { details: { wanted, stored } },
  );
}

function selectObservations(raw: readonly Observation[], query: ObservationQuery): readonly Observation[] {
  const { kpiId, runId, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, limit = 10_000 } = query;
  return raw
    .filter((one) => kpiId === undefined || one.kpiId === kpiId)
    .filter((one) => runId === undefined || one.runId === runId)
    .filter((one) => one.at >= from && one.at < to)
    .sort((left, right) => left.at - right.at)
    .slice(-limit);
}

function selectDays(all: readonly DayRollup[], query: DayQuery): readonly DayRollup[] {
  const { kpiId, fromDay = Number.NEGATIVE_INFINITY, toDay = Number.POSITIVE_INFINITY, withBins = false } = query;
  return all
    .filter((one) => (kpiId === undefined || one.kpiId === kpiId) && one.day >= fromDay && one.day <= toDay)
    .sort(
      (left, right) =>
        compareText(left.kpiId, right.kpiId) || left.day - right.day || compareText(left.unit, right.unit),
    )
    .map((one) => (withBins ? one : { ...one, bins: {} }));
}

function selectRecords(all: readonly StoredRecord[], query: RecordQuery): readonly StoredRecord[] {
  const { id, from = Number.NEGATIVE_INFINITY, limit = 1000 } = query;
  return all
    .filter((one) => (id === undefined || one.id === id) && one.at >= from)
    .sort((left, right) => left.at - right.at)
    .slice(-limit);
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
