import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openApprovals } from '@genie/core';
import { type Metrics, openExperiments, openMetrics, settingsFile } from '@genie/metrics';

/** One measured figure. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reach: string;
  readonly ok: boolean;
}

const before = {
  goal: 'stays',
  sources: [
    { kind: 'feed', location: 'https://a.example/feed' },
    { kind: 'feed', location: 'https://b.example/feed' },
  ],
};
const after = { ...before, sources: before.sources.slice(0, 1) };

/**
 * Kills a process with SIGKILL at random moments while it observes, measures, evaluates, adopts and undoes, and checks after every kill
 * that what was acknowledged is there, once, and that no change is half applied. The same home goes on through all trials.
 */
export async function soak({
  trials,
  log,
}: {
  readonly trials: number;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const root = mkdtempSync(path.join(tmpdir(), 'genie-metrics-soak-'));
  const home = path.join(root, 'home');
  mkdirSync(path.join(home, 'memory'), { recursive: true });
  mkdirSync(path.join(root, 'project'));
  for (const name of fileNames) writeFileSync(path.join(root, 'project', name), 'old');
  writeFileSync(path.join(home, 'genie.json'), JSON.stringify(before));
  const problems: string[] = [];
  const state: State = { acknowledged: new Map(), inFlight: { adopting: 0, undoing: 0, files: 0 }, killed: 0 };
  try {
    for (let trial = 0; trial < trials; trial += 1) {
      await killOnce(home, trial * 1000, state);
      const found = [...(await verify(home, state)), ...(await verifyFiles(home, state))];
      problems.push(...found.map((problem) => `trial ${trial}: ${problem}`));
      if (problems.length > 20) break;
      if ((trial + 1) % 50 === 0)
        log(`${trial + 1} kills, ${state.acknowledged.size} acknowledged, ${problems.length} problems`);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  for (const problem of problems.slice(0, 20)) log(problem);
  log(
    `killed while adopting: ${state.inFlight.adopting}, while undoing: ${state.inFlight.undoing}, between two files: ${state.inFlight.files}`,
  );
  const what = `half-applied changes, lost or doubled records after ${state.killed} kills (${state.inFlight.adopting} while adopting, ${state.inFlight.undoing} while undoing, ${state.inFlight.files} between two files)`;
  return [
    {
      id: 'metrics.kill9.problems',
      what,
      value: problems.length,
      unit: 'problems',
      reach: '0',
      ok: problems.length === 0 && state.killed === trials,
    },
  ];
}

const phases = [
  'adopt',
  'undo',
  'observe',
  'adopt-files',
  'undo-files',
  'measure',
  'adopt',
  'undo',
  'evaluate',
  'adopt-files',
  'undo-files',
] as const;

const fileNames = ['a.txt', 'b.txt', 'c.txt'];

interface State {
  /** What the victim said it did, by id. */
  readonly acknowledged: Map<string, string>;
  readonly inFlight: { adopting: number; undoing: number; files: number };
  killed: number;
}

async function killOnce(home: string, first: number, state: State): Promise<void> {
  const victim = path.join(import.meta.dirname, 'victim.ts');
  const flags = ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, victim, home, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const phase = phases[state.killed % phases.length] ?? 'observe';
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    // A moment inside the phase whose turn it is; a phase takes some milliseconds.
    if (text.includes(`phase ${phase}\n`)) timer ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * 12);
  });
  const [, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (code, killedBy) => resolve([code, killedBy]));
  });
  clearTimeout(timer);
  if (signal === 'SIGKILL') state.killed += 1;
  for (const line of text.split('\n').slice(0, -1)) {
    const [kind = '', id = ''] = line.split(' ');
    if (kind !== 'ready' && kind !== 'phase') state.acknowledged.set(id, kind);
  }
}

async function verify(home: string, state: State): Promise<string[]> {
  const problems: string[] = [];
  const raw = readSettings(home);
  if (raw === undefined) problems.push('genie.json is no JSON');
  else if (![before, after].some((whole) => same(raw, whole)))
    problems.push(`settings are neither old nor new: ${JSON.stringify(raw)}`);
  const approvals = openApprovals({ dir: path.join(home, 'approvals') });
  const target = settingsFile(path.join(home, 'genie.json'));
  const metrics = openMetrics({
    dir: path.join(home, 'memory', 'metrics'),
    settings: target,
    approvals,
    genieId: 'genie_1',
    timeZone: 'UTC',
  });
  try {
    for (const change of await metrics.changes.list()) {
      if (change.state === 'adopting') state.inFlight.adopting += 1;
      if (change.state === 'undoing') state.inFlight.undoing += 1;
    }
    await metrics.changes.recover();
    problems.push(...(await checkChanges(metrics, readSettings(home), state)), ...(await checkRecords(metrics, state)));
    // The next trial starts from the old settings.
    for (const change of await metrics.changes.list()) {
      if (change.state === 'adopted') await metrics.changes.undo(change.id, { reason: 'next trial', by: 'soak' });
    }
    if (!same(readSettings(home), before)) problems.push('the settings do not come back');
  } finally {
    await metrics.close();
    await approvals.close();
  }
  return problems;
}

async function checkChanges(metrics: Metrics, settings: unknown, state: State): Promise<string[]> {
  const changes = await metrics.changes.list();
  const problems = changes
    .filter((change) => change.state === 'adopting' || change.state === 'undoing')
    .map((change) => `${change.id} is ${change.state} after recover`);
  const adopted = changes.filter((change) => change.state === 'adopted');
  if (adopted.length > 1) problems.push(`${adopted.length} changes are adopted at once`);
  if (!same(settings, adopted.length > 0 ? after : before))
    problems.push(`the settings do not fit ${adopted.length} adopted changes`);
  const states = new Map(changes.map((change) => [change.id, change.state]));
  for (const [id, kind] of state.acknowledged) {
    if (kind === 'undone' && states.get(id) !== 'undone') problems.push(`${id} was undone, and is ${states.get(id)}`);
    if (kind === 'adopted' && !states.has(id)) problems.push(`${id} was adopted, and is gone`);
  }
  return problems;
}

async function checkRecords(metrics: Metrics, state: State): Promise<string[]> {
  const observations = await metrics.observations({ limit: 1_000_000 });
  const ids = new Set(observations.map((one) => one.id));
  const problems = ids.size === observations.length ? [] : ['an observation is there twice'];
  const runs = new Set((await metrics.outcomes({ limit: 1_000_000 })).map((one) => one.runId));
  const evaluations = new Set((await metrics.evaluations({ limit: 1_000_000 })).map((one) => one.id));
  const stores: Readonly<Record<string, ReadonlySet<string>>> = {
    observed: ids,
    measured: runs,
    evaluated: evaluations,
  };
  for (const [id, kind] of state.acknowledged) {
    if (stores[kind] !== undefined && !stores[kind].has(id))
      problems.push(`${kind} ${id} was acknowledged, and is gone`);
  }
  return problems;
}

/** After `recover` all files are old or all are new, as the experiment says. */
async function verifyFiles(home: string, state: State): Promise<string[]> {
  const read = (): string[] => fileNames.map((name) => readFileSync(path.join(home, '..', 'project', name), 'utf8'));
  if (new Set(read()).size > 1) state.inFlight.files += 1;
  const approvals = openApprovals({ dir: path.join(home, 'approvals') });
  const experiments = openExperiments({ dir: path.join(home, '..', 'experiments'), approvals, genieId: 'genie_1' });
  const problems: string[] = [];
  try {
    await experiments.recover();
    const contents = [...new Set(read())];
    const adopted = (await experiments.list()).filter((row) => row.state === 'adopted');
    const expected = adopted.length > 0 ? 'new' : 'old';
    if (contents.length !== 1 || contents[0] !== expected)
      problems.push(`files are ${contents.join(' and ')}, expected ${expected}`);
    for (const [id, kind] of state.acknowledged) {
      if (kind === 'files-undone' && (await experiments.get(id))?.state !== 'rolled-back')
        problems.push(`${id} was rolled back, and is not`);
    }
    for (const row of adopted) await experiments.rollBack(row.id, { reason: 'next trial', by: 'soak' });
    if (read().some((content) => content !== 'old')) problems.push('the files do not come back');
  } finally {
    await experiments.close();
    await approvals.close();
  }
  return problems;
}

function readSettings(home: string): unknown {
  try {
    return JSON.parse(readFileSync(path.join(home, 'genie.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
