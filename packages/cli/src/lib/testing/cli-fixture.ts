import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type GenieFile, writeGenieFile } from '@genie/core/home';
import { runCli } from '../cli/run-cli.ts';

/** How a process ended and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the text was printed to either stream; rejects when the process ends without it. */
  printed(text: string | RegExp): Promise<void>;
}

/** A folder with homes and an environment of its own, and `genie` as a real process in it. */
export interface CliFixture {
  readonly folder: string;
  readonly homes: string;
  genie(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The same in this process: for what does not depend on a process of its own, many times faster. */
  inProcess(args: readonly string[], options?: RunOptions): Promise<Ended>;
  start(args: readonly string[], options?: RunOptions): Started;
  /** A home with a `genie.json`, as `genie new` leaves it behind. */
  home(name: string, members: Partial<GenieFile>): string;
  /** A git repository with one commit for each message. */
  checkout(name: string, messages: readonly string[]): string;
  commit(path: string, message: string): void;
  remove(): void;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
}

const main = resolve(import.meta.dirname, '../../main.ts');

export function createCliFixture(): CliFixture {
  const folder = mkdtempSync(join(tmpdir(), 'genie-cli-'));
  const homes = join(folder, 'homes');
  const start = (args: readonly string[], options: RunOptions = {}): Started => {
    // Keys and proxies of the machine that runs the tests must not decide how they end.
    const environment = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      GENIE_HOME: homes,
      OLLAMA_HOST: '127.0.0.1:1',
      TZ: 'UTC',
      ...options.environment,
    };
    const child = spawn(
      process.execPath,
      ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning', main, ...args],
      {
        cwd: options.workingFolder ?? folder,
        env: environment,
        stdio: 'pipe',
      },
    );
    child.stdin.end(options.input ?? '');
    return collect(child);
  };
  return {
    folder,
    homes,
    start,
    genie: (args, options) => start(args, options).ended,
    inProcess: (args, options = {}) => runInProcess(args, { homes, folder, ...options }),
    home(name, members) {
      const home = join(homes, name);
      mkdirSync(home, { recursive: true });
      writeGenieFile(home, {
        format: 1,
        id: `genie_${name}`,
        goal: 'Watch these sources',
        createdAt: 1_767_225_600_000,
        models: { planning: 'offline', execution: 'offline' },
        ...members,
      });
      return home;
    },
    checkout(name, messages) {
      const path = join(folder, name);
      mkdirSync(path, { recursive: true });
      git(path, 'init', '--quiet');
      for (const message of messages) commit(path, message);
      return path;
    },
    commit,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

async function runInProcess(
  args: readonly string[],
  options: RunOptions & { readonly homes: string; readonly folder: string },
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  const code = await runCli({
    argv: args,
    environment: {
      HOME: options.folder,
      GENIE_HOME: options.homes,
      OLLAMA_HOST: '127.0.0.1:1',
      ...options.environment,
    },
    workingFolder: options.workingFolder ?? options.folder,
    version: '0.0.0-test',
    stdin: Readable.from([options.input ?? '']) as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    onInterrupt: () => () => undefined,
    exit: () => undefined,
  });
  stdout.end();
  stderr.end();
  const [out, notes] = await texts;
  return { code, stdout: out, stderr: notes };
}

function commit(path: string, message: string): void {
  writeFileSync(join(path, `${message.toLowerCase().replace(/\W+/g, '-').slice(0, 40)}.md`), `${message}\n`);
  git(path, 'add', '--all');
  git(
    path,
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=ada@example.test',
    '-c',
    'commit.gpgsign=false',
    'commit',
    '--quiet',
    '--message',
    message,
  );
}

function git(path: string, ...args: readonly string[]): void {
  execFileSync('git', args, { cwd: path, stdio: 'pipe' });
}

function collect(child: ChildProcess): Started {
  let [stdout, stderr] = ['', ''];
  const watchers = new Set<() => void>();
  const look = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    look();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    look();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    ended,
    printed: (wanted) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const all = stdout + stderr;
          if (typeof wanted === 'string' ? all.includes(wanted) : wanted.test(all)) resolve();
        };
        watchers.add(check);
        check();
        void ended.then(() => reject(new Error(`ended without printing ${String(wanted)}:\n${stdout}${stderr}`)));
      }),
  };
}
