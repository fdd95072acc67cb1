import { createGenie, type Genie, openApprovals, type RunHandle } from '@genie/core';
import type { ErrorRecord } from '@genie/core/errors';
import { type GenieFile, type HomeFolders, homeFolders, readGenieFile } from '@genie/core/home';
import { readRun } from '@genie/core/journal';
import type { Approvals, Clock, GenieEvent, JsonObject, NotifierPort, Source } from '@genie/core/ports';
import { createResolverLookup, type Egress, type Lookup } from '@genie/egress';
import type { Environment } from '@genie/inference';
import { type Memory, openMemory } from '@genie/memory';
import { type Metrics, openMetrics } from '@genie/metrics';
import { openEventLog } from './lib/compose/event-log.ts';
import { type GenieSettings, readSettings } from './lib/compose/genie-settings.ts';
import { modelHosts } from './lib/compose/model-hosts.ts';
import { type OpenEgress, openEgress } from './lib/compose/open-egress.ts';
import { type ModelReferences, type OpenModels, openModels } from './lib/compose/open-models.ts';
import { localRoots, openTools } from './lib/compose/open-tools.ts';
import { createQuietGate, type QuietGate } from './lib/compose/source-gate.ts';

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
  const bus: { emit?: (event: GenieEvent) => void } = {};
  const approvals = openApprovals({ dir: folders.approvals, ...withClock });
  closers.push(() => approvals.close());
  const door = openDoor({ options, file, settings, approvals, emit: (event) => bus.emit?.(event) });
  closers.push(() => door.close());
  const memory = openMemory({ dir: folders.memory, ...withClock });
  closers.push(() => memory.close());
  const models = await openModels({
    references: references(options, file),
    settings,
    environment: options.environment,
    fetch: (input, init) =>
      door.egress.fetch(input as string | URL | Request, init, { genieId: file.id, tool: 'model' }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const metrics = openMetrics({
    dir: folders.metrics,
    ...withClock,
    fetch: door.egress.fetch.bind(door.egress),
    memory,
    roots: [...localRoots(sources), folders.workspace, folders.artifacts],
    ...(file.schedule?.timezone ? { timeZone: file.schedule.timezone } : {}),
  });
  closers.push(() => metrics.close());
  const gate = createQuietGate({ sources, door: door.quiet, memory, genieId: file.id, approvals });
  const genie = createGenie({
    ...withClock,
    home,
    goal: file.goal,
    id: file.id,
    sources,
    memory,
    metrics,
    approvals,
    egress: door.egress,
    models: { planning: models.planning, execution: models.execution },
    prices: models.prices,
    tools: openTools({ sources, workspace: folders.workspace, accepted: settings.tools }),
    wakeGate: options.wakesAlways
      ? async (context) => ({ ...(await gate.wakeGate(context)), wake: true, reason: 'woken by force' })
      : gate.wakeGate,
    ...fromFile(file),
    ...(options.notifier ? { notifier: options.notifier } : {}),
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
  });
  closers.push(() => genie.close());
  bus.emit = (event) => genie.events.emit(event);
  genie.events.onAny(log.write);
  genie.events.onAny((event) => metrics.onEvent(event));
  return {
    genie,
    file,
    folders,
    settings,
    models,
    memory,
    metrics,
    egress: door.egress,
    approvals,
    close,
    resume: (runId, resuming = {}) => resumeAfterLook({ genie, gate, folders, runId }, resuming.signal),
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
    lookup: options.lookup ?? (settings.egress.resolver ? createResolverLookup(settings.egress.resolver) : undefined),
  });
}

/** Members of `genie.json` that are options of the genie as they are. */
function fromFile(file: GenieFile): Partial<Parameters<typeof createGenie>[0]> {
  const { instructions, planning, schedule, budget } = file;
  return JSON.parse(JSON.stringify({ instructions, planning, schedule, budget })) as Partial<
    Parameters<typeof createGenie>[0]
  >;
}

async function resumeAfterLook(
  deps: { readonly genie: Genie; readonly gate: QuietGate; readonly folders: HomeFolders; readonly runId: string },
  signal: AbortSignal | undefined,
): Promise<RunHandle> {
  const { genie, gate, folders, runId } = deps;
  const woke = readRun(folders.journal, runId).find((record) => record.kind === 'phase' && record.phase === 'wake');
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
