import { createGenie, type Genie, type RunHandle } from '@genie/core';
import { type ErrorRecord, toErrorRecord } from '@genie/core/errors';
import { type GenieFile, type HomeFolders, homeFolders, readGenieFile } from '@genie/core/home';
import type { Approvals, Clock, GenieEvent, NotifierPort, Source } from '@genie/core/ports';
import type { Egress, Lookup } from '@genie/egress';
import type { Environment } from '@genie/inference';
import type { Memory } from '@genie/memory';
import type { Metrics } from '@genie/metrics';
import { type Closers, createClosers } from './lib/compose/close-all.ts';
import { openEventLog } from './lib/compose/event-log.ts';
import { type GenieSettings, readSettings } from './lib/compose/genie-settings.ts';
import type { GenieStore } from './lib/compose/genie-store.ts';
import { createLiveParts } from './lib/compose/live-parts.ts';
import { openDoor } from './lib/compose/open-door.ts';
import { openGenieMetrics } from './lib/compose/open-genie-metrics.ts';
import { openHands } from './lib/compose/open-hands.ts';
import { chosenModels, type ModelReferences, type OpenModels, openModels } from './lib/compose/open-models.ts';
import { openStore } from './lib/compose/open-store.ts';
import { localRoots } from './lib/compose/open-tools.ts';
import { resumeRun } from './lib/compose/resume-run.ts';
import { openServers } from './lib/mcp/open-servers.ts';
import { findHomeExperiments } from './lib/metrics/experiments-folder.ts';
import { listenTo, openSelfReview, type SelfReview } from './lib/metrics/self-review.ts';
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
  /**
   * Where runs, approvals, memory and metrics are kept: `postgres://…`, `env:NAME` for a variable that holds such an address, or `home`. Default: what
   * `genie.json` says, then the variable GENIE_STORE, then the home.
   */
  readonly store?: string | undefined;
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
  readonly store: GenieStore;
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
 * Rejects with the codes of `readGenieFile`, `openStore`, `createGenie` (`GENIE_HOME_IN_USE`), `resolveModel` and `createEgress`.
 */
export async function openGenie(options: OpenGenieOptions): Promise<OpenGenie> {
  const file = readGenieFile(options.home);
  const settings = readSettings(options.home, file);
  const closers = createClosers();
  try {
    return await assemble({ options, file, settings, closers });
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

interface Assembly {
  readonly options: OpenGenieOptions;
  readonly file: GenieFile;
  readonly settings: GenieSettings;
  readonly closers: Closers;
}

async function assemble({ options, file, settings, closers }: Assembly): Promise<OpenGenie> {
  const { home, clock, environment, onWarning } = options;
  const folders = homeFolders(home);
  const warned = onWarning ? { onWarning } : {};
  const log = openEventLog(home);
  closers.add(() => log.close());
  const bus: { emit?: (event: GenieEvent) => void; refresh?: () => Promise<void> } = {};
  const told = listenTo(options.notifier);
  const store = await openStore({
    home,
    file,
    environment,
    store: options.store,
    ...(clock ? { clock } : {}),
    ...warned,
  });
  closers.add(() => store.close());
  const { approvals } = store;
  const referencesOf = (now: GenieFile): ModelReferences => chosenModels(options.models, now);
  const door = openDoor({
    home,
    file,
    settings,
    environment,
    models: referencesOf(file),
    approvals,
    events: (event) => bus.emit?.(event),
    lookup: options.lookup,
  });
  closers.add(() => door.close());
  const memory = await store.openMemory();
  closers.add(() => memory.close());
  const modelFetch: typeof globalThis.fetch = (input, init) =>
    door.egress.fetch(input as string | URL | Request, init, { genieId: file.id, tool: 'model' });
  const modelsOf = async (now: Pick<Assembly, 'file' | 'settings'>): Promise<OpenModels> => {
    const opened = await openModels({
      references: referencesOf(now.file),
      settings: now.settings,
      environment,
      fetch: modelFetch,
      events: (event) => bus.emit?.(event),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    closers.add(() => opened.close());
    return opened;
  };
  const models = await modelsOf({ file, settings });
  const metrics = await openGenieMetrics({
    home,
    file,
    folders,
    settings,
    environment,
    store,
    egress: door.egress,
    modelFetch,
    models,
    memory,
    notifier: told.notifier,
    onWarning,
    onWrite: async () => bus.refresh?.(),
  });
  closers.add(() => metrics.close());
  const servers = await openServers({ options, file, settings, approvals, door: door.rules, model: models.execution });
  closers.add(() => servers?.close());
  const hands = await openHands({
    settings,
    folders,
    roots: localRoots((file.sources ?? []) as readonly Source[]),
    contain: () => door.commands.open(),
    ...warned,
  });
  closers.add(() => hands?.close());
  const wakesAlways = options.wakesAlways === true;
  const live = createLiveParts({
    home,
    shared: { folders, memory, approvals, door: door.quiet, servers, hands, wakesAlways },
    first: { file, settings, models },
    openModels: modelsOf,
    referencesOf,
  });
  const genie = createGenie({
    ...(clock ? { clock } : {}),
    ...(store.journal ? { journal: store.journal } : {}),
    home,
    goal: file.goal,
    id: file.id,
    memory,
    metrics,
    approvals,
    egress: door.egress,
    ...live.parts.options,
    ...(options.notifier ? { notifier: options.notifier } : {}),
    ...warned,
  });
  closers.add(() => genie.close());
  bus.emit = (event) => genie.events.emit(event);
  bus.refresh = () => live.refresh(genie);
  const failed = (error: unknown): void => onWarning?.(toErrorRecord(error, 'GENIE_METRICS_REVIEW'));
  const review = openSelfReview({
    metrics,
    approvals,
    genieId: file.id,
    openExperiments: () => findHomeExperiments({ home, genieId: file.id, changes: metrics.changes, approvals }),
    undone: told.take,
    signal: options.signal,
    onFailure: failed,
  });
  closers.add(() => review.close());
  closers.add(watchSettings(home, () => void bus.refresh?.().catch(failed)));
  genie.events.onAny(log.write);
  genie.events.onAny((event) => {
    door.onEvent(event);
    live.models.onEvent(event);
  });
  if (settings.network) door.watchNetwork(settings.network);
  genie.events.onAny((event) => {
    metrics.onEvent(event);
    review.onEvent(event);
  });
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
    store,
    review,
    close: closers.close,
    resume: (runId, resuming = {}) =>
      resumeRun({ genie, gate: live.parts.gate, store, runId, ready: servers?.ready }, resuming.signal),
    [Symbol.asyncDispose]: closers.close,
  };
}
