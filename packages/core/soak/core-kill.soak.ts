import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, info, median, type Row } from '../bench/rounds.ts';
import { type KillReport, killLives } from './kill-lives.ts';

interface Options {
  readonly trials: number;
  readonly log: (line: string) => void;
}

/** Kills in one home; then a fresh home begins. */
const killsPerHome = 50;

/**
 * `kill -9` at random moments of a genie with three runs at a time and calls of every effect. Each life takes up what the
 * former one left. Uses the built package where there is one, so that start times are those of users.
 */
export async function soak({ trials, log }: Options): Promise<Row[]> {
  const isBuilt = existsSync(join(import.meta.dirname, '../dist/index.js'));
  const execArgv = process.execArgv.filter((argument) => !(isBuilt && argument.includes('@genie/source')));
  log(`${trials} kills, ${isBuilt ? 'built package' : 'source'}`);
  const reports: KillReport[] = [];
  for (let left = trials; left > 0; left -= killsPerHome) {
    reports.push(await killLives(Math.min(left, killsPerHome), execArgv));
    log(`${trials - Math.max(0, left - killsPerHome)} kills: ${JSON.stringify(summary(reports))}`);
  }
  const total = summary(reports);
  const resumeMs = reports.flatMap((report) => report.resumeMs);
  const startMs = reports.flatMap((report) => report.startMs);
  return [
    info('core.kill.trials', 'kill -9 at random moments', total.kills, 'kills'),
    info('core.kill.runs', 'runs that were interrupted or ended', total.runs, 'runs'),
    info('core.kill.in-doubt', '"once" calls in flight that became a question', total.asked, 'calls'),
    atMost('core.kill.unfinished', 'runs that do not finish after recovery', total.unfinished, 'runs', 0),
    atMost('core.kill.repeated-completed', 'completed calls that were made again', total.repeatedCompleted, 'calls', 0),
    atMost(
      'core.kill.repeated-once',
      '"once" calls that were made twice, in-flight ones included',
      total.repeatedOnce,
      'calls',
      0,
    ),
    // A slow moment of the machine is no bug: these two inform, the benchmark of the start has the limits.
    info('core.kill.resume-to-call', 'resume() to the next call, median', median(resumeMs), 'ms'),
    info('core.kill.start-to-call', 'process start to the next call, median', median(startMs), 'ms'),
  ];
}

function summary(reports: readonly KillReport[]) {
  const sum = (count: (report: KillReport) => number) => reports.reduce((total, report) => total + count(report), 0);
  return {
    kills: sum((report) => report.kills),
    runs: sum((report) => report.runs),
    asked: sum((report) => report.asked),
    unfinished: sum((report) => report.unfinished.length),
    repeatedCompleted: sum((report) => report.repeatedCompleted.length),
    repeatedOnce: sum((report) => report.repeatedOnce.length),
  };
}
