import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GenieError } from '@genie/core/errors';
import {
  containerExists,
  containerFailed,
  unknownContainer,
  unsupported,
  wrongState,
} from '../orchestrator/container-errors.ts';
import type {
  ContainerInfo,
  ContainerSpec,
  Orchestrator,
  OrchestratorCapabilities,
} from '../orchestrator/orchestrator.ts';
import { isContainerName, readSpec } from '../orchestrator/read-spec.ts';
import { createLocalEvents, type LocalEvents } from './local-events.ts';
import { createHealthWatch, type HealthWatch } from './local-health.ts';
import { openLocalSession, terminalProgram } from './local-session.ts';
import { containerMark, markedProcesses, processUse, signalMarked } from './marked-processes.ts';
import { listFolders, type ProcessFolder, processFolder } from './process-folder.ts';
import { startProcess } from './start-process.ts';

export interface LocalProcessOptions {
  /** Folder for the homes and what is kept of each process; made when missing. */
  readonly dir: string;
  /** Whose containers these are. Default `genie`. */
  readonly owner?: string;
}

interface LocalDeps {
  readonly root: string;
  readonly events: LocalEvents;
  readonly health: HealthWatch;
  folder(name: string): ProcessFolder;
}

/**
 * Genies as processes of this machine: the default where there is no container runtime. Nothing is isolated and no limit holds; it says so
 * in its capabilities. Processes outlive whoever started them and are found again. POSIX systems; what leaves its process group is found on
 * Linux only.
 */
export function createLocalProcessOrchestrator(options: LocalProcessOptions): Orchestrator {
  const owner = options.owner ?? 'genie';
  if (!isContainerName(owner))
    throw new GenieError('GENIE_CONTAINER_SPEC', `Owner ${JSON.stringify(owner)} is no usable name.`);
  const root = resolve(options.dir, owner);
  const folder = (name: string) => processFolder(root, name);
  const events = createLocalEvents(() => listFolders(root).map(folder));
  return fromDeps({ root, events, health: createHealthWatch(), folder });
}

function fromDeps(deps: LocalDeps): Orchestrator {
  const { events, folder } = deps;
  return {
    capabilities: capabilities(),
    create: async (spec, { signal } = {}) => {
      signal?.throwIfAborted();
      return create(deps, readSpec(spec));
    },
    start: (name) => start(deps, name),
    stop: async (name, { graceMs = 10_000 } = {}) => stop(deps, known(folder(name)), graceMs),
    pause: async (name) => freeze(deps, known(folder(name)), true),
    unpause: async (name) => freeze(deps, known(folder(name)), false),
    destroy: (name, options) => destroy(deps, name, options?.keepVolume === true),
    inspect: async (name) => inspect(deps, folder(name)),
    list: async () => listFolders(deps.root).flatMap((name) => inspect(deps, folder(name)) ?? []),
    async exec(name, options) {
      const one = known(folder(name));
      const state = inspect(deps, one)?.state;
      if (state !== 'running') throw wrongState(name, state ?? 'gone', 'running');
      if (options.terminal && !existsSync(terminalProgram))
        throw unsupported('local-process', `terminal without ${terminalProgram}`);
      return openLocalSession(one, { ...options, specEnvironment: one.spec()?.environment ?? {} });
    },
    async *logs(name, { tailLines } = {}) {
      const one = known(folder(name));
      const text = await readFile(one.log).catch(() => Buffer.alloc(0));
      const data = tailLines === undefined ? text : lastLines(text, tailLines);
      if (data.length > 0) yield { stream: 'stdout', data };
    },
    async stats(name) {
      const one = known(folder(name));
      if (!one.running()) throw wrongState(name, 'not running', 'running');
      const uses = markedProcesses(containerMark, one.mark).map(processUse);
      const sum = (key: 'memoryBytes' | 'cpuMs') => uses.reduce((total, use) => total + use[key], 0);
      return { processes: uses.length, memoryBytes: sum('memoryBytes'), cpuMs: sum('cpuMs') };
    },
    archiveVolume: (name) => archive(known(folder(name))),
    events: ({ signal }) => events.follow(signal),
    async close() {
      deps.health.close();
      events.close();
    },
  };
}

function capabilities(): OrchestratorCapabilities {
  const linux = process.platform === 'linux';
  return {
    name: 'local-process',
    grade: 'in-process',
    pause: true,
    terminal: linux && existsSync(terminalProgram),
    logs: true,
    stats: linux,
    health: true,
    events: true,
    archivesStopped: true,
    limits: false,
    isolates: false,
    doesNotStop: [
      'everything this user may do: files, network, other processes',
      'any use of memory, CPU and processes',
    ],
  };
}

function known(folder: ProcessFolder): ProcessFolder {
  if (!folder.spec()) throw unknownContainer(folder.name);
  return folder;
}

function create(deps: LocalDeps, spec: ContainerSpec): ContainerInfo {
  const elsewhere = spec.mounts?.find(({ source, target }) => source !== target);
  if (elsewhere)
    throw unsupported('local-process', `mounts: it cannot show ${elsewhere.source} as ${elsewhere.target}`);
  const folder = deps.folder(spec.name);
  try {
    if (!folder.claim(spec)) throw containerExists(spec.name);
  } catch (error) {
    throw GenieError.isInstance(error) ? error : containerFailed(`Creating ${spec.name}`, error);
  }
  deps.events.emit('created', spec.name);
  return inspect(deps, folder) ?? { name: spec.name, id: folder.mark, state: 'created', health: 'none', labels: {} };
}

async function start(deps: LocalDeps, name: string): Promise<void> {
  const folder = known(deps.folder(name));
  const spec = folder.spec();
  if (!spec || folder.running()) return;
  const child = await startProcess(folder, spec);
  if (!child) return;
  deps.events.emit('started', name);
  child.once('exit', () => deps.events.emit('stopped', name));
  deps.health.forget(name);
  deps.health.of(folder, spec);
}

async function stop(deps: LocalDeps, folder: ProcessFolder, graceMs: number): Promise<void> {
  const run = folder.running();
  if (!run) return;
  const everything = { name: containerMark, value: folder.mark, group: run.pid };
  if (folder.isPaused()) freeze(deps, folder, false);
  signalMarked({ ...everything, signal: 'SIGTERM' });
  const deadline = performance.now() + graceMs;
  while (folder.running() && performance.now() < deadline) await sleep(10);
  // Also what the program left behind when it ended well.
  signalMarked({ ...everything, signal: 'SIGKILL' });
  while (folder.running()) await sleep(5);
  deps.events.emit('stopped', folder.name);
}

function freeze(deps: LocalDeps, folder: ProcessFolder, paused: boolean): void {
  const run = folder.running();
  if (!run) throw wrongState(folder.name, 'not running', paused ? 'running' : 'paused');
  if (folder.isPaused() === paused) return;
  const task = { name: containerMark, value: folder.mark, group: run.pid };
  if (paused) folder.setPaused(true);
  signalMarked({ ...task, signal: paused ? 'SIGSTOP' : 'SIGCONT' });
  if (!paused) folder.setPaused(false);
  deps.events.emit(paused ? 'paused' : 'unpaused', folder.name);
}

async function destroy(deps: LocalDeps, name: string, keepVolume: boolean): Promise<boolean> {
  const folder = deps.folder(name);
  if (!folder.exists()) return false;
  const hadContainer = folder.spec() !== undefined;
  await stop(deps, folder, 0);
  signalMarked({ name: containerMark, value: folder.mark, signal: 'SIGKILL' });
  deps.health.forget(name);
  if (keepVolume) folder.clear();
  else folder.remove();
  if (hadContainer) deps.events.emit('destroyed', name);
  return hadContainer || !keepVolume;
}

function inspect(deps: LocalDeps, folder: ProcessFolder): ContainerInfo | undefined {
  if (!folder.exists()) return undefined;
  const { name } = folder;
  const spec = folder.spec();
  if (!spec) return { name, id: '', state: 'volume-only', health: 'none', labels: {} };
  const running = folder.running() !== undefined;
  const state = running ? (folder.isPaused() ? 'paused' : 'running') : folder.hasRun() ? 'stopped' : 'created';
  return {
    name,
    id: folder.mark,
    state,
    health: running ? deps.health.of(folder, spec) : 'none',
    labels: spec.labels ?? {},
    ...(state === 'stopped' ? { exitCode: folder.exitCode() } : {}),
  };
}

async function* archive(folder: ProcessFolder): AsyncGenerator<Uint8Array> {
  const tar = spawn('tar', ['-C', folder.path, '-cf', '-', 'genie'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  const ended = new Promise<number | null>((done, reject) => tar.once('close', done).once('error', reject));
  ended.catch(() => undefined);
  try {
    for await (const chunk of tar.stdout) yield chunk as Uint8Array;
    const code = await ended;
    // 1: a file changed while it was read, which a running genie's files do.
    if (code !== 0 && code !== 1) throw containerFailed(`Archiving ${folder.name}`, new Error(complaint));
  } finally {
    tar.kill();
  }
}

function lastLines(text: Buffer, count: number): Buffer {
  const lines = text.toString('utf8').replace(/\n$/, '').split('\n');
  return Buffer.from(count === 0 ? '' : `${lines.slice(-count).join('\n')}\n`);
}

/** Where the home of a container is on this machine. For whoever works with its files. */
export function localHome(options: LocalProcessOptions, name: string): string {
  return join(resolve(options.dir, options.owner ?? 'genie'), name, 'genie');
}
