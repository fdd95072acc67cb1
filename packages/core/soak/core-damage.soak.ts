import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Journal, type JournalRecord, openJournal, readRun } from '@genie/core/journal';
import { atLeast, atMost, info, type Row } from '../bench/rounds.ts';

interface Options {
  readonly log: (line: string) => void;
}

/** Bytes of the segment whose every bit is flipped in turn. */
const flippedBytes = 3_000;
const runIds = ['run_a', 'run_b', 'run_c'] as const;

/**
 * Damages a journal file in every way of two kinds, opens it as a process after a crash would, and compares what comes
 * back with what was written. Exhaustive whatever `--trials` says: each cut and each bit is one trial.
 */
export async function soak({ log }: Options): Promise<Row[]> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'genie-damage-'));
  try {
    const written = await writeSegment(join(folder, 'whole'));
    log(`a segment of ${written.bytes.length} bytes with ${written.places.length} records of ${runIds.length} runs`);
    const cuts = await damageAll(folder, written, cutsOf(written.bytes), (damage) => damage.at);
    log(`cut at every byte: ${JSON.stringify(cuts)}`);
    const flips = await damageAll(folder, written, flipsOf(written.bytes), () => undefined);
    log(`every bit flipped: ${JSON.stringify(flips)}`);
    return [
      info('core.torn.cuts', 'a segment cut at every byte', cuts.trials, 'cuts'),
      atMost('core.torn.cuts-wrong', 'records given out that were not written', cuts.wrong, 'records', 0),
      atMost('core.torn.cuts-lost', 'whole records before the cut that were not recovered', cuts.lost, 'records', 0),
      atMost('core.torn.cuts-stuck', 'journals that could not be opened and written on', cuts.stuck, 'journals', 0),
      atLeast('core.torn.flips', `every bit of ${flippedBytes} bytes flipped`, flips.trials, 'flips', flippedBytes * 8),
      atMost('core.torn.flips-wrong', 'records given out that were not written', flips.wrong, 'records', 0),
      atMost(
        'core.torn.flips-lost',
        'records beside the damaged one that were not recovered',
        flips.lost,
        'records',
        0,
      ),
      atMost('core.torn.flips-stuck', 'journals that could not be opened and written on', flips.stuck, 'journals', 0),
    ];
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly runId: string;
  readonly sequence: number;
  readonly start: number;
  readonly end: number;
}

interface Written {
  readonly bytes: Buffer;
  readonly places: readonly Place[];
  readonly records: Readonly<Record<string, readonly JournalRecord[]>>;
}

/** Three runs that take turns, with records of every length, until a segment is long enough. */
async function writeSegment(dir: string): Promise<Written> {
  const journal = openJournal({ dir });
  const path = join(dir, '00000001.gj');
  const runs = await Promise.all(runIds.map((runId) => journal.open(runId)));
  const records: Record<string, JournalRecord[]> = { run_a: [], run_b: [], run_c: [] };
  const places: Place[] = [];
  for (let index = 0; fs.statSync(path).size < flippedBytes + 500; index += 1) {
    for (const run of runs) {
      const list = records[run.runId] ?? [];
      const record: JournalRecord =
        index === 0
          ? { kind: 'opened', at: 1, meta: { goal: `Goal of ${run.runId}` } }
          : {
              kind: 'result',
              callId: `call-${index}`,
              status: 'completed',
              output: 'ä\n'.repeat(index * 3),
              tookMs: index,
            };
      const start = fs.statSync(path).size;
      run.append(record);
      places.push({ runId: run.runId, sequence: list.length, start, end: fs.statSync(path).size });
      list.push(record);
    }
  }
  for (const run of runs) run.release();
  await journal.close();
  return { bytes: fs.readFileSync(path), places, records };
}

interface Damage {
  readonly bytes: Buffer;
  /** The first damaged byte. */
  readonly at: number;
}

function* cutsOf(bytes: Buffer): Generator<Damage> {
  for (let at = 0; at < bytes.length; at += 1) yield { bytes: bytes.subarray(0, at), at };
}

function* flipsOf(bytes: Buffer): Generator<Damage> {
  for (let at = 0; at < flippedBytes; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      yield { bytes: flipped, at };
    }
  }
}

interface Report {
  trials: number;
  wrong: number;
  lost: number;
  stuck: number;
}

async function damageAll(
  folder: string,
  written: Written,
  damages: Iterable<Damage>,
  cutAt: (damage: Damage) => number | undefined,
): Promise<Report> {
  const report: Report = { trials: 0, wrong: 0, lost: 0, stuck: 0 };
  const dir = join(folder, 'damaged');
  fs.mkdirSync(dir, { recursive: true });
  for (const damage of damages) {
    report.trials += 1;
    fs.writeFileSync(join(dir, '00000001.gj'), damage.bytes);
    const whole = written.places.filter(({ start, end }) => {
      const cut = cutAt(damage);
      return cut === undefined ? damage.at < start || damage.at >= end : end <= cut;
    });
    for (const runId of runIds) check(report, written, { runId, whole, given: readRun(dir, runId) });
    if (!(await goesOn(dir, written))) report.stuck += 1;
    fs.rmSync(join(dir, 'lease'), { recursive: true, force: true });
  }
  return report;
}

/** What is given out must be the beginning of what was written, at least as far as it is whole. */
function check(
  report: Report,
  { records }: Written,
  {
    runId,
    whole,
    given,
  }: { readonly runId: string; readonly whole: readonly Place[]; readonly given: readonly JournalRecord[] },
): void {
  const original = records[runId] ?? [];
  if (given.length > original.length) report.wrong += given.length - original.length;
  given.forEach((record, index) => {
    if (!isDeepStrictEqual(record, original[index])) report.wrong += 1;
  });
  const sequences = new Set(whole.filter((place) => place.runId === runId).map((place) => place.sequence));
  let expected = 0;
  while (sequences.has(expected)) expected += 1;
  if (given.length < expected) report.lost += expected - given.length;
}

/** A new run is recorded behind the damage, and a run that lost records in its middle says so instead of going on. */
async function goesOn(dir: string, { records }: Written): Promise<boolean> {
  let journal: Journal | undefined;
  try {
    journal = openJournal({ dir });
    for (const runId of runIds) {
      const run = await journal.open(runId).catch((error: { code?: string }) => {
        if (error.code !== 'GENIE_JOURNAL_DAMAGED') throw error;
      });
      if (run && !isDeepStrictEqual(run.recorded, records[runId]?.slice(0, run.recorded.length))) return false;
      run?.release();
    }
    const fresh = await journal.open('run_new');
    fresh.append({ kind: 'opened', at: 2, meta: {} });
    await fresh.settled();
    fresh.release();
    return (await journal.read('run_new')).length === 1;
  } catch {
    return false;
  } finally {
    await journal?.close();
  }
}
