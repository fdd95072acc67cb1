import { createHash, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerSpec } from '../orchestrator/orchestrator.ts';
import { isContainerName } from '../orchestrator/read-spec.ts';
import { processStart, send } from './marked-processes.ts';

/** The process of a container, as it is kept on disk. Format 1. */
export interface RunFile {
  readonly format: 1;
  readonly pid: number;
  readonly start?: string;
}

/** What is kept of one container: `spec.json`, `run.json`, `exit`, `paused`, `output.log` and the home in `genie/`. */
export interface ProcessFolder {
  readonly name: string;
  readonly path: string;
  readonly home: string;
  readonly log: string;
  readonly exitFile: string;
  /** Unlike that of any other container of this machine. */
  readonly mark: string;
  exists(): boolean;
  spec(): ContainerSpec | undefined;
  /** False when there is one: of several writers one wins. */
  claim(spec: ContainerSpec): boolean;
  /** The process, if it lives. */
  running(): RunFile | undefined;
  /** False when another one lives. */
  claimRun(run: RunFile): boolean;
  /** Whether it was ever started. */
  hasRun(): boolean;
  exitCode(): number;
  isPaused(): boolean;
  setPaused(paused: boolean): void;
  /** Forgets the container, keeps the home. */
  clear(): void;
  remove(): void;
}

export function processFolder(root: string, name: string): ProcessFolder {
  const path = join(root, name);
  const at = (file: string) => join(path, file);
  const running = (): RunFile | undefined => {
    const run = readJson<RunFile>(at('run.json'));
    return run && isAlive(run) ? run : undefined;
  };
  return {
    name,
    path,
    home: at('genie'),
    log: at('output.log'),
    exitFile: at('exit'),
    mark: createHash('sha256').update(path).digest('hex').slice(0, 32),
    exists: () => isContainerName(name) && existsSync(path),
    spec: () => (isContainerName(name) ? readJson<ContainerSpec>(at('spec.json')) : undefined),
    claim(spec) {
      mkdirSync(at('genie'), { recursive: true, mode: 0o700 });
      return putOnce(at('spec.json'), spec);
    },
    running,
    claimRun(run) {
      if (running()) return false;
      rmSync(at('run.json'), { force: true });
      for (const file of ['exit', 'paused']) rmSync(at(file), { force: true });
      return putOnce(at('run.json'), run);
    },
    hasRun: () => existsSync(at('run.json')),
    // Without a note it was killed before it could leave one.
    exitCode: () => (existsSync(at('exit')) ? Number(readFileSync(at('exit'), 'utf8')) : 137),
    isPaused: () => existsSync(at('paused')),
    setPaused: (paused) => (paused ? writeFileSync(at('paused'), '') : rmSync(at('paused'), { force: true })),
    clear() {
      for (const file of ['spec.json', 'run.json', 'exit', 'paused', 'output.log']) rmSync(at(file), { force: true });
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export function listFolders(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).filter(isContainerName).sort();
}

function isAlive({ pid, start }: RunFile): boolean {
  if (!send(pid, 0)) return false;
  return start === undefined || processStart(pid) === start;
}

/** Made whole first and then linked into place, which the file system allows once per name. */
function putOnce(path: string, value: unknown): boolean {
  const temporary = `${path}.${randomUUID()}`;
  writeFileSync(temporary, JSON.stringify(value), { mode: 0o600 });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
