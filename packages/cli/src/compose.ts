import { createGenie, type Genie, openApprovals, type RunHandle } from '@genie/core';
import { type ErrorRecord, toErrorRecord } from '@genie/core/errors';
import { type GenieFile, type HomeFolders, homeFolders, readGenieFile } from '@genie/core/home';
import { type Journal, readRun } from '@genie/core/journal';
import {
  type Approvals,
  type Clock,
  canonicalJson,
  type GenieEvent,
  type JsonObject,
  type NotifierPort,
  type Source,
} from '@genie/core/ports';
import { createResolverLookup, type Egress, type Lookup } from '@genie/egress';
import { type Environment, resolveModel } from '@genie/inference';
import { type Memory, openMemory } from '@genie/memory';
import { type Metrics, openMetrics } from '@genie/metrics';
import { openEventLog } from './lib/compose/event-log.ts';
import { type GenieSettings, readSettings } from './lib/compose/genie-settings.ts';
import { memoryCipher } from './lib/compose/memory-cipher.ts';
import { modelHosts } from './lib/compose/model-hosts.ts';
import { type OpenEgress, openEgress, upstreamProxyOf } from './lib/compose/open-egress.ts';
import { openHands } from './lib/compose/open-hands.ts';
import { type ModelReferences, type OpenModels, openModels } from './lib/compose/open-models.ts';
import { openStore } from './lib/compose/open-store.ts';
import { localRoots } from './lib/compose/open-tools.ts';
import type { QuietGate } from './lib/compose/source-gate.ts';
import { openServers } from './lib/mcp/open-servers.ts';
import { findHomeExperiments } from './lib/metrics/experiments-folder.ts';
import { createRunParts } from './lib/metrics/run-parts.ts';
import { listenTo, openSelfReview, type SelfReview } from './lib/metrics/self-review.ts';
import { genieSettings } from './lib/metrics/settings-target.ts';
import { watchSettings } from './lib/metrics/watch-settings.ts';

export interface OpenGenieOptions {
  /** Folder with a `genie.json`. */
  readonly home: string;
  /** Where model keys are read. Nothing of it is stored. */
  readonly environment: Environment;
  /** Models instead of those that `genie.json` names. */
  readonly models?: ModelReferences;
  /** Told about briefings. Their delivery counts in the report. */
  readonly notifier?: NotifierPort;
  readonly onWarning?: (warning: ErrorRecord) => void;
  /** How names become addresses. Default: the operating system. */
  readonly lookup?: Lookup;
  readonly clock?: Clock;
  /** A database (`postgres://…`) for runs, approvals, memory and metrics instead of the home's files. */
  readonly store?: string;
  /** Leaves out the wake gate: for a user who wants a run now. */
  readonly wakesAlways?: boolean;
  readonly signal?: AbortSignal;
}

/** A genie with everything it works with, from one home. */
export interface OpenGenie {
  readonly genie: Genie;
  readonly file: GenieFile;
  readonly folders: HomeFolders;
  readonly settings: GenieSettings;
  readonly models: OpenModels;
  readonly memory: Memory;
  readonly metrics: Metrics;
  readonly egress: Egress;
  readonly approvals: Approvals;
  /** Reviews when they are due, and what the user allowed. */
  readonly review: SelfReview;
  /** As `genie.resume`; sources that were opened by a decision are fingerprinted before they are read. */
  resume(runId: string, options?: { readonly signal?: AbortSignal }): Promise<RunHandle>;
  /** Closes the genie first, then what it used. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The composition root: makes one genie out of a home and the packages. This process owns the home until `close`.
 *
 * Rejects with the codes of `readGenieFile`, `createGenie` (`GENIE_HOME_IN_USE`), `resolveModel` and `createEgress`.
 */
export async function openGenie(options: OpenGenieOptions): Promise<OpenGenie> {
  const file = readGenieFile(options.home);
  const settings = readSettings(options.home, file);
  const closers: (() => Promise<void> | void)[] = [];
  const close = closeAll(closers);
  try {
    return await assemble({ options, file, settings, closers, close });
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

interface Assembly {
  readonly options: OpenGenieOptions;
  readonly file: GenieFile;
  readonly settings: GenieSettings;
  readonly closers: (() => Promise<void> | void)[];
  readonly close: () => Promise<void>;
}

async function assemble({ options, file, settings, closers, close }: Assembly): Promise<OpenGenie> {
  const { home, clock } = options;
  const folders = homeFolders(home);
  const withClock = clock ? { clock } : {};
  const sources = (file.sources ?? []) as readonly Source[];
  const log = openEventLog(home);
  closers.push(() => log.close());
  const bus: { emit?: (event: GenieEvent) => void; refresh?: () => Promise<void> } = {};
  const told = listenTo(options.notifier);
  const { onWarning } = options;
  const store = await openStore({
    url: options.store,
    genieId: file.id,
    ...withClock,
    ...(onWarning ? { onWarning } : {}),
  });
  closers.push(() => store?.close());
  const approvals = store?.approvals ?? openApprovals({ dir: folders.approvals, ...withClock });
  closers.push(() => approvals.close());
  const door = openDoor({ options, file, settings, approvals, emit: (event) => bus.emit?.(event) });
  closers.push(() => door.close());
  const memory = openMemory({
    ...(store ? { store: store.memoryStore } : { dir: folders.memory, ...memoryCipher(options.environment) }),
    ...withClock,
  });
  closers.push(() => memory.close());
  const modelFetch: typeof globalThis.fetch = (input, init) =>
    door.egress.fetch(input as string | URL | Request, init, { genieId: file.id, tool: 'model' });
  const modelsOf = async (now: Pick<Assembly, 'file' | 'settings'>) => {
    const opened = await openModels({
      references: references(options, now.file),
      settings: now.settings,
      environment: options.environment,
      fetch: modelFetch,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    closers.push(() => opened.close());
    return opened;
  };
  const models = await modelsOf({ file, settings });
  const metrics = openMetrics({
    ...(store ? { store: store.metricsStore } : { dir: folders.metrics }),
    ...withClock,
    fetch: door.egress.fetch.bind(door.egress),
    memory,
    roots: [...localRoots(sources), folders.workspace, folders.artifacts],
    ...(file.schedule?.timezone ? { timeZone: file.schedule.timezone } : {}),
    settings: genieSettings({
      home,
      models: models.references,
      checkModel: (reference) => void resolveModel(reference, { environment: options.environment, fetch: modelFetch }),
      onWrite: async () => bus.refresh?.(),
    }),
    approvals,
    genieId: file.id,
    notifier: told.notifier,
    // Rules without a neural network judge nothing and find no causes: the statistics speak alone.
    ...(models.references.planning === 'offline' ? {} : { model: models.planning }),
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
    ...settings.metrics,
  });
  closers.push(() => metrics.close());
  const servers = await openServers({ options, file, settings, approvals, door: door.rules, model: models.execution });
  closers.push(() => servers?.close());
  const hands = await openHands({
    settings,
    folders,
    roots: localRoots(sources),
    contain: () => door.commands.open(),
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
  });
  closers.push(() => hands?.close());
  const shared = {
    folders,
    memory,
    approvals,
    door: door.quiet,
    servers,
    hands,
    wakesAlways: options.wakesAlways === true,
  };
  const live = { file, settings, models, parts: createRunParts({ ...shared, file, settings, models }) };
  const genie = createGenie({
    ...withClock,
    ...(store ? { journal: store.journal } : {}),
    home,
    goal: file.goal,
    id: file.id,
    memory,
    metrics,
    approvals,
    egress: door.egress,
    ...live.parts.options,
    ...(options.notifier ? { notifier: options.notifier } : {}),
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
  });
  closers.push(() => genie.close());
  bus.emit = (event) => genie.events.emit(event);
  // Settings that an adjustment changed count from the next run on.
  bus.refresh = async () => {
    const next = readGenieFile(home);
    if (canonicalJson(next) === canonicalJson(live.file)) return;
    const now = { file: next, settings: readSettings(home, next) };
    const isSame =
      canonicalJson({ ...references(options, next) }) === canonicalJson({ ...references(options, live.file) });
    const opened = isSame ? live.models : await modelsOf(now);
    const parts = createRunParts({ ...shared, ...now, models: opened });
    await genie.update(parts.options);
    Object.assign(live, now, { models: opened, parts });
  };
  const failed = (error: unknown): void => options.onWarning?.(toErrorRecord(error, 'GENIE_METRICS_REVIEW'));
  const review = openSelfReview({
    metrics,
    approvals,
    genieId: file.id,
    openExperiments: () => findHomeExperiments({ home, genieId: file.id, changes: metrics.changes, approvals }),
    undone: told.take,
    signal: options.signal,
    onFailure: failed,
  });
  closers.push(() => review.close());
  closers.push(watchSettings(home, () => void bus.refresh?.().catch(failed)));
  genie.events.onAny(log.write);
  genie.events.onAny(door.onEvent);
  if (settings.network) door.watchNetwork(settings.network);
  genie.events.onAny((event) => metrics.onEvent(event));
  genie.events.onAny((event) => review.onEvent(event));
  await review.prepare();
  return {
    genie,
    get file() {
      return live.file;
    },
    folders,
    get settings() {
      return live.settings;
    },
    get models() {
      return live.models;
    },
    memory,
    metrics,
    egress: door.egress,
    approvals,
    review,
    close,
    resume: (runId, resuming = {}) =>
      resumeAfterLook(
        { genie, gate: live.parts.gate, folders, runId, journal: store?.journal, ready: servers?.ready },
        resuming.signal,
      ),
    [Symbol.asyncDispose]: close,
  };
}

function references(options: OpenGenieOptions, file: GenieFile): ModelReferences {
  return {
    planning: options.models?.planning ?? file.models?.planning,
    execution: options.models?.execution ?? file.models?.execution,
  };
}

function openDoor(deps: {
  readonly options: OpenGenieOptions;
  readonly file: GenieFile;
  readonly settings: GenieSettings;
  readonly approvals: Approvals;
  readonly emit: (event: GenieEvent) => void;
}): OpenEgress {
  const { options, file, settings } = deps;
  const named = references(options, file);
  const hosts = modelHosts([named.planning, named.execution, options.environment.GENIE_MODEL], {
    baseUrl: settings.modelBaseUrl,
    environment: options.environment,
  });
  return openEgress({
    home: options.home,
    genieId: file.id,
    allow: [...new Set([...settings.egress.allow, ...hosts])],
    allowPrivate: settings.egress.allowPrivate,
    approvals: deps.approvals,
    events: deps.emit,
    providers: hosts,
    holdMs: settings.egress.holdMs,
    upstreamProxy: upstreamProxyOf(settings.egress.upstreamProxy, options.environment),
    lookup: options.lookup ?? (settings.egress.resolver ? createResolverLookup(settings.egress.resolver) : undefined),
  });
}

async function resumeAfterLook(
  deps: {
    readonly genie: Genie;
    readonly gate: QuietGate;
    readonly folders: HomeFolders;
    readonly runId: string;
    /** Where the run is, when not in the home. */
    readonly journal: Journal | undefined;
    readonly ready?: (() => Promise<void>) | undefined;
  },
  signal: AbortSignal | undefined,
): Promise<RunHandle> {
  const { genie, gate, folders, runId } = deps;
  await deps.ready?.();
  const records = (await deps.journal?.read(runId)) ?? readRun(folders.journal, runId);
  const woke = records.find((record) => record.kind === 'phase' && record.phase === 'wake');
  const state = woke?.kind === 'phase' ? woke.output.state : undefined;
  const found = await gate.lookAgain((state ?? {}) as JsonObject, signal ?? new AbortController().signal);
  const handle = genie.resume(runId, signal ? { signal } : {});
  const outcome = handle.outcome.then(async (ended) => {
    // Lost, it costs one wake that finds nothing new.
    if (ended.status === 'completed') await gate.keep(found).catch(() => undefined);
    return ended;
  });
  return {
    runId,
    outcome,
    cancel: () => handle.cancel(),
    [Symbol.asyncIterator]: () => handle[Symbol.asyncIterator](),
  };
}

/** Closes the latest first: the genie before what it uses. The first failure is reported when everything is closed. */
function closeAll(closers: readonly (() => Promise<void> | void)[]): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= (async () => {
      const failures: unknown[] = [];
      for (const close of [...closers].reverse()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    })();
    return closing;
  };
}
