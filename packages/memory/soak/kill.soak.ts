import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Memory, openMemory } from '@genie/memory';

/** One measured figure. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string;
  readonly ok: boolean;
}

/** A home lives through this many kills, then a fresh one starts, so that small and large stores are both met. */
const killsPerHome = 25;

interface State {
  readonly dir: string;
  readonly records: 'memory' | 'pages';
  /** Empty for a readable memory. */
  passphrase: string;
  /** Announced, not acknowledged: either may hold. */
  nextPassphrase: string;
  readonly remembered: Set<string>;
  readonly forgetting: Set<string>;
  readonly forgotten: Set<string>;
  core: number;
  working: number;
  killed: number;
}

/**
 * Kills a process with SIGKILL at random moments while it remembers, learns, consolidates, rolls back, forgets and rotates keys. After every
 * kill: `verify()` is clean, nothing acknowledged is lost, nothing forgotten is back, and exactly one passphrase opens the memory.
 */
export async function soak({
  trials,
  log,
}: {
  readonly trials: number;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, passphrase, share] of [
    ['readable', '', 0.4],
    ['encrypted', 'pass phrase first', 0.4],
    ['encrypted pages', 'pass phrase first', 0.2],
  ] as const) {
    const records = name === 'encrypted pages' ? 'pages' : 'memory';
    rows.push(await soakKind({ name, passphrase, records, trials: Math.max(1, Math.ceil(trials * share)), log }));
  }
  return rows;
}

interface Kind {
  readonly name: string;
  readonly passphrase: string;
  readonly records: 'memory' | 'pages';
  readonly trials: number;
  readonly log: (line: string) => void;
}

async function soakKind({ name, passphrase, records, trials, log }: Kind): Promise<Row> {
  const problems: string[] = [];
  let killed = 0;
  let acknowledged = 0;
  for (let done = 0; done < trials && problems.length < 20; done += killsPerHome) {
    const state = freshState(passphrase, records);
    for (let trial = done; trial < Math.min(trials, done + killsPerHome); trial += 1) {
      await killOnce(state, trial * 1_000);
      problems.push(...(await check(state)).map((problem) => `${name}, kill ${trial}: ${problem}`));
    }
    killed += state.killed;
    acknowledged += state.remembered.size + state.forgotten.size;
    rmSync(state.dir, { recursive: true, force: true });
    log(`${name}: ${killed} kills, ${acknowledged} acknowledged, ${problems.length} problems`);
  }
  for (const problem of problems.slice(0, 20)) log(problem);
  return {
    id: `memory.kill9.${name.replaceAll(' ', '-')}`,
    what: `lost, resurfaced or damaged after ${killed} kills of a ${name} memory (${acknowledged} acknowledged changes)`,
    value: problems.length,
    unit: 'problems',
    reach: '0',
    ok: problems.length === 0 && killed === trials,
  };
}

function freshState(passphrase: string, records: State['records']): State {
  const dir = mkdtempSync(path.join(tmpdir(), 'genie-memory-soak-'));
  return {
    dir,
    records,
    passphrase,
    nextPassphrase: '',
    remembered: new Set(),
    forgetting: new Set(),
    forgotten: new Set(),
    core: -1,
    working: -1,
    killed: 0,
  };
}

async function killOnce(state: State, first: number): Promise<void> {
  const victim = path.join(import.meta.dirname, 'victim.ts');
  const flags = ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, victim, state.dir, String(first), state.passphrase, state.records], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  // The moment is drawn in steps of the victim's work (a turn says about 13 lines), so that every kind of change is met on any machine.
  const lines = Math.floor(Math.random() * 30);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > lines) timer ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * 25);
  });
  const [, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (code, killedBy) => resolve([code, killedBy]));
  });
  clearTimeout(timer);
  if (signal === 'SIGKILL') state.killed += 1;
  for (const line of text.split('\n').slice(0, -1)) note(state, line);
}

function note(state: State, line: string): void {
  const space = line.indexOf(' ');
  const [kind, id] = [line.slice(0, space), line.slice(space + 1)];
  if (kind === 'remembered') state.remembered.add(id);
  if (kind === 'forgetting') state.forgetting.add(id);
  if (kind === 'forgotten') state.forgotten.add(id);
  if (kind === 'core') state.core = Number(id);
  if (kind === 'working') state.working = Number(id);
  if (kind === 'rotating') state.nextPassphrase = id;
  if (kind === 'rotated') state.passphrase = id;
}

/** The memory after a kill, under the passphrase that holds now. */
async function reopen(state: State): Promise<Memory> {
  for (const passphrase of [state.passphrase, state.nextPassphrase]) {
    if (passphrase === '' && state.passphrase !== '') continue;
    const memory = openMemory(
      passphrase === '' ? { dir: state.dir } : { dir: state.dir, cipher: { passphrase, scryptCost: 1_024 } },
    );
    try {
      await memory.stats();
      state.passphrase = passphrase;
      return memory;
    } catch (error) {
      await memory.close();
      if ((error as { code?: string }).code !== 'GENIE_MEMORY_CIPHER') throw error;
    }
  }
  throw new Error('no passphrase opens the memory');
}

async function check(state: State): Promise<string[]> {
  let memory: Memory;
  try {
    memory = await reopen(state);
  } catch (error) {
    return [`cannot be opened: ${error instanceof Error ? error.message : String(error)}`];
  }
  try {
    const problems = [...(await memory.verify()).problems];
    const records = await memory.list(undefined, { status: ['live', 'superseded', 'merged'] });
    const present = new Set(records.map(({ id }) => id));
    for (const id of state.remembered)
      if (!present.has(id) && !state.forgetting.has(id)) problems.push(`${id} was acknowledged and is lost`);
    for (const id of state.forgotten) if (present.has(id)) problems.push(`${id} was forgotten and is back`);
    const found = await memory.recall('memory about topic 1', { k: 1_000 });
    for (const { id } of found.items) if (!present.has(id)) problems.push(`${id} is found and is not there`);
    for (const id of state.forgotten)
      if (found.items.some((item) => item.id === id)) problems.push(`${id} was forgotten and is found`);
    if (Number((await memory.core.get('turn')) ?? -1) < state.core)
      problems.push(`core went back behind ${state.core}`);
    if (Number((await memory.working.get('turn')) ?? -1) < state.working)
      problems.push(`working went back behind ${state.working}`);
    return problems;
  } finally {
    await memory.close();
  }
}
