import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface KillReport {
  readonly kills: number;
  readonly runs: number;
  /** Runs that were opened and are not closed as completed after the last recovery. */
  readonly unfinished: readonly string[];
  /** Calls that were reported as completed and then made again. */
  readonly repeatedCompleted: readonly string[];
  /** Calls of "once" tools that were made more than once, in flight or not. */
  readonly repeatedOnce: readonly string[];
  /** Calls that were in flight when their process was killed. */
  readonly inFlight: number;
  /** "once" calls that became a question to the user. */
  readonly asked: number;
  /** Milliseconds from `resume()` to the next call of a model or tool. */
  readonly resumeMs: readonly number[];
  /** Milliseconds from the start of the process to that call. */
  readonly startMs: readonly number[];
}

const script = join(import.meta.dirname, '../fixtures/kill-process.ts');

/** Lets a genie live and be killed at a random moment `kills` times in one home, then lets it finish, and reads its log. */
export async function killLives(kills: number, execArgv: readonly string[] = process.execArgv): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'genie-kill-'));
  const log = join(folder, 'log');
  const spawnedAt: number[] = [];
  try {
    mkdirSync(join(folder, 'home'));
    for (let life = 0; life < kills; life += 1) {
      spawnedAt.push(performance.timeOrigin + performance.now());
      await liveAndDie([join(folder, 'home'), log, String(life)], execArgv);
    }
    spawnedAt.push(performance.timeOrigin + performance.now());
    await live([join(folder, 'home'), log, String(kills), 'finish'], execArgv);
    return readLog(readFileSync(log, 'utf8').trim().split('\n'), kills, spawnedAt);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Most lives end up to this long after the process came alive: while it recovers, or amid its own runs. */
const longestLifeMs = 400;

/** Kills the process at a random moment; one in ten before it has even started, however long a start takes here. */
function liveAndDie(args: readonly string[], execArgv: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...execArgv, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaint = '';
    let timer: NodeJS.Timeout | undefined;
    const killIn = (delayMs: number) => {
      timer ??= setTimeout(() => child.kill('SIGKILL'), delayMs);
    };
    if (Math.random() < 0.1) killIn(Math.random() * 150);
    child.stdout.once('data', () => killIn(Math.random() * longestLifeMs));
    child.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve();
      else reject(new Error(`A life ended by itself with ${signal ?? code}: ${complaint}`));
    });
  });
}

function live(args: readonly string[], execArgv: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...execArgv, script, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`The last life ended with ${signal ?? code}.`)),
    );
  });
}

function readLog(lines: readonly string[], kills: number, spawnedAt: readonly number[]): KillReport {
  const opened = new Set<string>();
  const done = new Set<string>();
  const completed = new Set<string>();
  const running = new Set<string>();
  const once = new Map<string, number>();
  const repeatedCompleted: string[] = [];
  const resumeMs: number[] = [];
  const startMs: number[] = [];
  const failed: string[] = [];
  let asked = 0;
  for (const line of lines) {
    const [word, first = '', second = '', effect] = line.split(' ');
    const call = `${first} ${second}`;
    if (word === 'opened') opened.add(first);
    else if (word === 'started') {
      if (completed.has(call)) repeatedCompleted.push(call);
      if (effect === 'once') once.set(call, (once.get(call) ?? 0) + 1);
      running.add(call);
    } else if (word === 'completed') {
      completed.add(call);
      running.delete(call);
    } else if (word === 'in-doubt') asked += 1;
    else if (word === 'closed' && second === 'completed') done.add(first);
    else if (word === 'failed') failed.push(line);
    else if (word === 'resumed') {
      resumeMs.push(Number(first));
      startMs.push(Number(second) - (spawnedAt.findLast((at) => at < Number(second)) ?? 0));
    }
  }
  return {
    kills,
    runs: opened.size,
    repeatedCompleted,
    asked,
    resumeMs,
    startMs,
    inFlight: running.size,
    unfinished: [...[...opened].filter((runId) => !done.has(runId)), ...failed],
    repeatedOnce: [...once].filter(([, times]) => times > 1).map(([call]) => call),
  };
}
