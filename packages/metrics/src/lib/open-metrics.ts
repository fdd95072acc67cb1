import { channel } from 'node:diagnostics_channel';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { type ErrorRecord, GenieError, toErrorRecord } from '@genie/core/errors';
import {
  type Approvals,
  type Clock,
  createIds,
  type EgressPort,
  type Ids,
  type KpiDefinition,
  type LanguageModel,
  type MemoryPort,
  type NotifierPort,
  systemClock,
} from '@genie/core/ports';
import { type Changes, createChanges } from './adjustments/changes.ts';
import type { SettingsTarget } from './adjustments/settings.ts';
import { createMetrics } from './create-metrics.ts';
import { defaultKpis } from './default-kpis.ts';
import type { Deps } from './deps.ts';
import { createEventTimes } from './event-times.ts';
import { createEvidenceStore } from './evidence.ts';
import { createOffsetAt, systemTimeZone } from './local-time.ts';
import type { Metrics } from './metrics.ts';
import { type ResolvedLimits, resolvedSchema } from './options.ts';
import type { Probe } from './probes/probe.ts';
import { createProbeRegistry } from './probes/probe-registry.ts';
import { openFileStore } from './store/file-store.ts';
import type { MetricsStore } from './store/metrics-store.ts';
import { createTelemetry, type TelemetryOptions } from './telemetry.ts';

export interface MetricsOptions {
  /** The metrics folder, e.g. `<home>/memory/metrics`. Give this or `store`. */
  readonly dir?: string;
  readonly store?: MetricsStore;
  readonly clock?: Pick<Clock, 'now'>;
  readonly ids?: Ids;
  /** IANA time zone of the user: days, weekdays and times of day are theirs. Default: this machine's. */
  readonly timeZone?: string;
  /** The egress filter's fetch. Without it HTTP probes have no data: there is no other way out. */
  readonly fetch?: EgressPort['fetch'];
  /** Folders that file and SQL probes may read. Default: none. */
  readonly roots?: readonly string[];
  /** Judges where a KPI asks for it and writes self-evaluations. */
  readonly model?: LanguageModel;
  /** Learns what the user values from feedback. */
  readonly memory?: Pick<MemoryPort, 'remember'>;
  /** The genie's settings, for adjustments. With `approvals` and `genieId` adjustments can be adopted, and are undone when they hurt. */
  readonly settings?: SettingsTarget;
  readonly approvals?: Pick<Approvals, 'request' | 'get' | 'consume'> & Partial<Pick<Approvals, 'list'>>;
  readonly genieId?: string;
  /** Tells the user when a change was undone. */
  readonly notifier?: Pick<NotifierPort, 'notify'>;
  /** Told about failures that stop nothing: memory, guards, events. They also go to the diagnostics channel `genie:metrics.warning`. */
  readonly onWarning?: (warning: ErrorRecord) => void;
  /** OpenTelemetry meter and logger, when there is an SDK. */
  readonly telemetry?: TelemetryOptions;
  /** More probe kinds. */
  readonly probes?: readonly Probe[];
  /** Used until `define` was called. Default: {@link defaultKpis}. */
  readonly fallbackKpis?: readonly KpiDefinition[];
  /** Longest time for one probe. Default 10,000. */
  readonly probeTimeoutMs?: number;
  /** Raw observations are kept so many days, their day roll-ups for ever. Default 400. */
  readonly rawRetentionDays?: number;
  /** A self-evaluation is due after so much time, so many runs, or a KPI that falls to `missed`. Default 7 days, 20 runs, true. */
  readonly evaluation?: { readonly everyMs?: number; readonly everyRuns?: number; readonly onBreach?: boolean };
  /** `power` (default) flushes observations to disk, `process` leaves that to the system. */
  readonly durability?: 'process' | 'power';
}

const warningChannel = channel('genie:metrics.warning');

/**
 * Opens the metrics of one genie. Throws `GENIE_METRICS_OPTIONS` for options that cannot work and the store's own codes.
 */
export function openMetrics(options: MetricsOptions): Metrics {
  const limits = parseLimits(options);
  const clock = options.clock ?? systemClock;
  const { fetch, model, memory } = options;
  const fallback = options.fallbackKpis ?? defaultKpis();
  const offsetAt = parseTimeZone(options.timeZone);
  const roots = (options.roots ?? []).map(realFolder);
  const probes = createProbeRegistry(options.probes ?? [], limits.probeTimeoutMs);
  const store = openStore(options);
  const ids = options.ids ?? createIds(clock);
  const changes = openChanges(options, { store, clock, ids });
  const { approvals, genieId } = options;
  return createMetrics({
    ...(changes === undefined ? {} : { changes }),
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    warn: (code, error) => {
      const warning = toErrorRecord(error, code);
      warningChannel.publish(warning);
      options.onWarning?.(warning);
    },
    ...(approvals === undefined ? {} : { approvals }),
    ...(genieId === undefined ? {} : { genieId }),
    store,
    clock,
    ids,
    offsetAt,
    evidence: createEvidenceStore(options.dir === undefined ? undefined : path.resolve(options.dir)),
    probes,
    eventTimes: createEventTimes(),
    telemetry: createTelemetry(options.telemetry ?? {}, () => clock.now()),
    roots,
    ...(fetch === undefined ? {} : { fetch }),
    ...(model === undefined ? {} : { model }),
    ...(memory === undefined ? {} : { memory }),
    fallback,
    limits,
  });
}

function openChanges(options: MetricsOptions, base: Pick<Deps, 'store' | 'clock' | 'ids'>): Changes | undefined {
  const { settings: target, approvals, genieId, notifier } = options;
  if (target === undefined) return undefined;
  if (approvals === undefined || genieId === undefined) {
    throw optionError(
      'openMetrics: `settings` needs `approvals` and `genieId` too: nothing is changed without the user.',
    );
  }
  return createChanges({ ...base, target, approvals, genieId, ...(notifier === undefined ? {} : { notifier }) });
}

function openStore({ dir, store, durability }: MetricsOptions): MetricsStore {
  if (store !== undefined) return store;
  return openFileStore({ dir: dir as string, ...(durability === undefined ? {} : { durability }) });
}

function parseLimits(options: MetricsOptions): ResolvedLimits {
  if ((options.dir === undefined) === (options.store === undefined)) {
    throw optionError('openMetrics needs either `dir` (a folder) or `store`, and not both.');
  }
  const parsed = resolvedSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw optionError(`openMetrics: ${issue?.path.join('.')}: ${issue?.message}.`);
}

function parseTimeZone(timeZone: string | undefined): (at: number) => number {
  try {
    return createOffsetAt(timeZone ?? systemTimeZone());
  } catch {
    throw optionError(`openMetrics: timeZone ${JSON.stringify(timeZone)} is no IANA time zone, e.g. "Europe/Berlin".`);
  }
}

function realFolder(folder: string): string {
  const absolute = path.resolve(folder);
  return existsSync(absolute) ? realpathSync(absolute) : absolute;
}

function optionError(message: string): GenieError {
  return new GenieError('GENIE_METRICS_OPTIONS', message);
}
