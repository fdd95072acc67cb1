import { GenieError } from '@genie/core/errors';
import type { Approvals, GenieEvent, JsonObject, KpiDefinition } from '@genie/core/ports';
import { daysOf } from './current-value.ts';
import type { Deps } from './deps.ts';
import { whyDue } from './evaluation/due.ts';
import { evaluateGenie } from './evaluation/evaluate.ts';
import type { Evaluation } from './evaluation/evaluation.ts';
import { arrangeBriefing } from './feedback/arrange.ts';
import { parseFeedback, type StoredFeedback } from './feedback/feedback.ts';
import { toPreferences } from './feedback/preferences.ts';
import { recordFeedback } from './feedback/record-feedback.ts';
import { parseDefinitions } from './kpi-definition.ts';
import { measureRun } from './measure-run.ts';
import type { Metrics } from './metrics.ts';
import { observeEvent } from './observe-event.ts';
import type { ResolvedLimits } from './options.ts';
import type { RunOutcomeReport } from './outcome.ts';
import { readDashboard } from './read-dashboard.ts';
import { recordObservations } from './record-observations.ts';
import { daysShown, toSeries } from './series.ts';
import type { CompactReport } from './store/metrics-store.ts';
import { localDay } from './store/observation.ts';

export interface CreateMetricsInput extends Omit<Deps, 'feedbackSince'> {
  readonly fallback: readonly KpiDefinition[];
  readonly limits: ResolvedLimits;
  readonly approvals?: Pick<Approvals, 'request' | 'get'>;
  readonly genieId?: string;
}

/** Wires the parts together. All state is in the store, except runs that are being measured right now. */
export function createMetrics(input: CreateMetricsInput): Metrics {
  const { store, clock, limits } = input;
  const feedbackSince = async (from: number): Promise<readonly StoredFeedback[]> => {
    const rows = await store.records('feedback', { from, limit: 10_000 });
    return rows.map((row) => ({ ...(row.body as unknown as StoredFeedback), id: row.id, at: row.at }));
  };
  const deps: Deps = { ...input, feedbackSince };
  const measuring = new Map<string, Promise<RunOutcomeReport>>();
  const background = new Set<Promise<unknown>>();
  const today = (): number => localDay(clock.now(), deps.offsetAt(clock.now()));

  const firstKeptDay = (): number => today() - limits.rawRetentionDays;
  const compactIfOld = async (): Promise<void> => {
    const old = await store.observations({ to: (firstKeptDay() - 1) * 86_400_000, limit: 1 });
    if (old.length > 0) await compact();
  };
  const compact = (): Promise<CompactReport> => {
    deps.evidence.sweep((firstKeptDay() - 1) * 86_400_000);
    return store.compact(firstKeptDay());
  };

  const definitions = async (): Promise<readonly KpiDefinition[]> => {
    const stored = await store.loadDefinitions();
    return stored.version === 0 ? input.fallback : stored.definitions;
  };
  const find = async (kpiId: string): Promise<KpiDefinition> => {
    const kpi = (await definitions()).find((one) => one.id === kpiId);
    if (kpi !== undefined) return kpi;
    throw new GenieError(
      'GENIE_KPI_UNKNOWN',
      `There is no KPI "${kpiId}". Define it first, or list them with definitions().`,
    );
  };
  const change = async (
    next: (known: readonly KpiDefinition[]) => readonly KpiDefinition[],
    tries = 5,
  ): Promise<void> => {
    const stored = await store.loadDefinitions();
    const version = stored.version + 1;
    const saved = { version, definitions: next(stored.version === 0 ? [] : stored.definitions) };
    try {
      await store.saveDefinitions(saved);
    } catch (error) {
      // Someone else was faster: the change is made again, to what is there now.
      if (tries > 1 && GenieError.isInstance(error) && error.code === 'GENIE_METRICS_CONFLICT')
        return change(next, tries - 1);
      throw error;
    }
    const body = JSON.parse(JSON.stringify({ type: 'definitions', ...saved })) as JsonObject;
    await store.put('change', { id: `definitions-${version}`, at: clock.now(), body });
  };
  const guard = async (): Promise<void> => {
    await input.changes?.check().catch((error: unknown) => input.warn('GENIE_METRICS_GUARD', error));
  };
  const evaluations = async (options: { readonly limit?: number } = {}): Promise<readonly Evaluation[]> => {
    const rows = await store.records('evaluation', { limit: options.limit ?? 100 });
    return rows.map((row) => row.body as unknown as Evaluation);
  };

  const close = async (): Promise<void> => {
    await Promise.allSettled([...measuring.values(), ...background]);
    await store.close();
  };

  return {
    probeKinds: input.probes.kinds,
    definitions,
    async define(list) {
      const parsed = parseDefinitions(list, input.probes.check);
      const ids = new Set(parsed.map((kpi) => kpi.id));
      await change((known) => [...known.filter((kpi) => !ids.has(kpi.id)), ...parsed]);
    },
    retire: (ids) => change((known) => known.filter((kpi) => !ids.includes(kpi.id))),
    observe: async (list) => recordObservations(deps, Array.isArray(list) ? list : [list], find),
    async feedback(one) {
      return recordFeedback(deps, parseFeedback(one), await definitions());
    },
    preferences: async () => toPreferences(await feedbackSince(Number.MIN_SAFE_INTEGER)),
    async arrange(briefing) {
      try {
        return arrangeBriefing(briefing, toPreferences(await feedbackSince(Number.MIN_SAFE_INTEGER)));
      } catch (error) {
        input.warn('GENIE_METRICS_FEEDBACK', error);
        return briefing;
      }
    },
    measure(run, options = {}) {
      const running = measuring.get(run.runId);
      if (running !== undefined) return running;
      const signal = options.signal ?? new AbortController().signal;
      const work = definitions()
        .then((list) => measureRun(deps, run, list, signal))
        .then(async (report) => {
          await guard();
          return report;
        })
        .finally(() => measuring.delete(run.runId));
      measuring.set(run.runId, work);
      return work;
    },
    async outcomes(options = {}) {
      const rows = await store.records('outcome', { limit: options.limit ?? 100 });
      return rows.map((row) => row.body as unknown as RunOutcomeReport);
    },
    observations: (options = {}) => store.observations(options),
    evidence: async (hash) => deps.evidence.read(hash),
    async series(kpiId, options = {}) {
      const kpi = await find(kpiId);
      const firstDay = today() - daysShown(options.days) + 1;
      const withBins = kpi.aggregation === 'percentile';
      const rollups = await store.days({ kpiId, fromDay: firstDay - daysOf(kpi.cadence), withBins });
      return toSeries(kpi, rollups, firstDay);
    },
    async dashboard(options = {}) {
      const days = daysShown(options.days);
      return readDashboard(deps, await definitions(), days);
    },
    async evaluate(options = {}) {
      const { approvals, genieId } = input;
      const asks = { ...(approvals === undefined ? {} : { approvals }), ...(genieId === undefined ? {} : { genieId }) };
      const evaluation = await evaluateGenie(deps, await definitions(), { ...asks, ...options });
      await compactIfOld();
      return evaluation;
    },
    async evaluationDue() {
      return whyDue(deps, await definitions(), limits.evaluation);
    },
    evaluations,
    get changes() {
      if (input.changes !== undefined) return input.changes;
      throw new GenieError(
        'GENIE_METRICS_OPTIONS',
        'Adjustments need `settings`, `approvals` and `genieId` in openMetrics.',
      );
    },
    onEvent(event) {
      if (!isObservable(event.type)) return;
      deps.eventTimes.add(event);
      const work: Promise<unknown> = definitions()
        .then((list) => observeEvent(deps, event, list))
        .catch((error: unknown) => input.warn('GENIE_METRICS_EVENT', error))
        .finally(() => background.delete(work));
      background.add(work);
    },
    compact,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Pieces of text and progress come by the hundred and are no milestones. */
function isObservable(type: GenieEvent['type']): boolean {
  return type !== 'text.delta' && type !== 'reasoning.delta' && type !== 'tool.progress';
}
