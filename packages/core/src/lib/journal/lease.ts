import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { GenieError } from '../genie-error.ts';

/** Who owns a folder. */
export interface LeaseHolder {
  readonly format: 1;
  readonly pid: number;
  readonly host: string;
  /** Start time of the process where the system tells it, so that a reused pid is not taken for the holder. */
  readonly processStart?: string;
  readonly takenAt: number;
  readonly released?: boolean;
}

export interface Lease {
  /** Grows by one with every owner. */
  readonly generation: number;
  /** The owner that crashed before, when this lease was taken over. */
  readonly takenOverFrom?: LeaseHolder;
  /** True once the heartbeat found that the owner's file is gone: the folder was taken over, or removed. Costs nothing to read. */
  readonly isLost: boolean;
  /** Throws `GENIE_HOME_LOST` when somebody else owns the folder now, or it is gone. */
  check(): void;
  /** Idempotent. */
  release(): void;
}

/**
 * Takes the one lease of a folder. Each owner is a file `lease/<generation>.json`, made complete and then linked into
 * place, which the file system allows exactly once per name: two processes cannot both become generation 7. Releasing
 * renames it to `.free`. A holder whose process is gone is succeeded at once. Throws `GENIE_HOME_IN_USE`.
 */
export function takeLease(directory: string, now: number): Lease {
  const folder = join(directory, 'lease');
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const latest = readLatest(folder);
    const dead = latest && !latest.holder.released;
    if (dead && isAlive(latest.holder, latest.touchedAt)) throw inUse(directory, latest.holder);
    const generation = (latest?.generation ?? 0) + 1;
    if (!createHolder(folder, generation, now)) continue;
    if (generations(folder).at(-1) !== generation) {
      // We were so slow that others owned and removed this very generation meanwhile.
      fs.rmSync(holderPath(folder, generation), { force: true });
      continue;
    }
    for (const old of generations(folder).filter((one) => one < generation)) {
      for (const path of [holderPath(folder, old), releasedPath(folder, old)]) fs.rmSync(path, { force: true });
    }
    return createLease(directory, folder, generation, dead ? latest.holder : undefined);
  }
  throw new GenieError('GENIE_HOME_IN_USE', `${directory} is contended by many processes. Try again.`);
}

/** The present owner of a folder, if it is alive. For `genie list` and `doctor`; takes nothing. */
export function readLeaseHolder(directory: string): LeaseHolder | undefined {
  const latest = readLatest(join(directory, 'lease'));
  return latest && !latest.holder.released && isAlive(latest.holder, latest.touchedAt) ? latest.holder : undefined;
}

function createLease(directory: string, folder: string, generation: number, previous: LeaseHolder | undefined): Lease {
  let released = false;
  let isLost = false;
  const path = holderPath(folder, generation);
  const heartbeat = setInterval(() => {
    const now = new Date();
    fs.utimes(path, now, now, (error) => {
      isLost ||= error?.code === 'ENOENT';
    });
  }, heartbeatMs);
  heartbeat.unref();
  return {
    generation,
    ...(previous ? { takenOverFrom: previous } : {}),
    get isLost() {
      return isLost;
    },
    check() {
      if (released || isLost || generations(folder).at(-1) !== generation) {
        throw new GenieError(
          'GENIE_HOME_LOST',
          `${directory} is owned by another process now, or was removed. Stop writing to it.`,
        );
      }
    },
    release() {
      if (released) return;
      released = true;
      clearInterval(heartbeat);
      try {
        // A renaming needs no space: a full disk must not keep the folder owned.
        fs.renameSync(path, releasedPath(folder, generation));
      } catch {
        // The folder may be gone (a deleted home): then there is nothing to give back.
      }
    },
  };
}

function createHolder(folder: string, generation: number, now: number): boolean {
  const processStart = readProcessStart(process.pid);
  const holder: LeaseHolder = {
    format: 1,
    pid: process.pid,
    host: hostname(),
    ...(processStart ? { processStart } : {}),
    takenAt: now,
  };
  const temporary = join(folder, `${process.pid}-${generation}-${Math.trunc(performance.now() * 1000)}.tmp`);
  fs.writeFileSync(temporary, JSON.stringify(holder), { mode: 0o600 });
  try {
    fs.linkSync(temporary, holderPath(folder, generation));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

interface LatestHolder {
  readonly generation: number;
  readonly holder: LeaseHolder;
  /** Epoch ms of the last heartbeat. */
  readonly touchedAt: number;
}

function readLatest(folder: string): LatestHolder | undefined {
  const generation = generations(folder).at(-1);
  if (generation === undefined) return undefined;
  const path = holderPath(folder, generation);
  if (fs.existsSync(releasedPath(folder, generation))) return { generation, holder: nobody, touchedAt: 0 };
  try {
    const holder = JSON.parse(fs.readFileSync(path, 'utf8')) as LeaseHolder;
    return { generation, holder, touchedAt: fs.statSync(path).mtimeMs };
  } catch {
    // Unreadable: its owner cannot be asked, so it counts as gone; the generation still moves on.
    return { generation, holder: { ...nobody, released: false }, touchedAt: 0 };
  }
}

const nobody: LeaseHolder = { format: 1, pid: 0, host: '', takenAt: 0, released: true };

function generations(folder: string): number[] {
  let names: string[];
  try {
    names = fs.readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+\.(json|free)$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((left, right) => left - right);
}

function holderPath(folder: string, generation: number): string {
  return join(folder, `${generation}.json`);
}

function releasedPath(folder: string, generation: number): string {
  return join(folder, `${generation}.free`);
}

/** The owner touches its file this often; a holder on another machine (or in another container) is gone after the second. */
const heartbeatMs = 10_000;
const silenceMs = 60_000;

function isAlive(holder: LeaseHolder, touchedAt: number): boolean {
  if (holder.pid <= 0) return false;
  if (holder.host !== hostname()) return Date.now() - touchedAt < silenceMs;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const start = readProcessStart(holder.pid);
  return holder.processStart === undefined || start === undefined || start === holder.processStart;
}

/** Field 22 of /proc/<pid>/stat with the boot id, proc(5). Undefined where there is no /proc. */
function readProcessStart(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === 'Z' ? 'ended' : `${boot}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function inUse(directory: string, holder: LeaseHolder): GenieError {
  return new GenieError(
    'GENIE_HOME_IN_USE',
    `${directory} is in use by process ${holder.pid} on ${holder.host}. Stop that process, or use another home.`,
    { details: { pid: holder.pid, host: holder.host } },
  );
}
