import type { ExperimentReport, ExperimentRow, Experiments, KpiComparison } from '@genie/metrics';
import type { Terminal } from '../lib/terminal/terminal.ts';
import { bytes, count, dateTime, number, usd } from './amounts.ts';
import { plainLine, type Style } from './style.ts';
import { table } from './table.ts';

/** What an experiment found, and how to go on. */
export function showReport(
  report: ExperimentReport,
  next: { readonly proposal: { readonly approval: { readonly id: string } }; readonly words: string },
  terminal: Terminal,
): void {
  terminal.printJson(report);
  const { style } = terminal;
  const { copy, cost, failed } = report;
  terminal.print(`${style.bold(plainLine(report.title))} ${style.dim(report.id)}`);
  terminal.print(
    style.dim(
      `  two copies of ${count(copy.files, 'file')} (${bytes(copy.bytes)}), ${count(report.cases, 'run')} replayed on both: ` +
        `${cost.recordedCalls} calls answered from the recording, ${cost.liveCalls} live, ${usd(cost.usd)}`,
    ),
  );
  const rows = report.comparisons.map((one) => comparisonRow(one, style));
  for (const line of table([['  KPI', 'without', 'with', ''].map(style.dim), ...rows])) terminal.print(line);
  if (failed.baseline + failed.changed > 0)
    terminal.print(`  ${failed.baseline} replays failed without the change, ${failed.changed} with it`);
  if (report.stoppedBy !== undefined) terminal.print(`  Stopped early: ${plainLine(report.stoppedBy)}`);
  const paint = report.recommendation === 'adopt' ? style.green : style.yellow;
  terminal.print(`${paint(`Recommendation: ${report.recommendation}`)}, because ${plainLine(report.why, 300)}.`);
  const decision = report.recommendation === 'roll back' ? '--deny' : '--allow-once';
  terminal.print(style.dim(`  decide:  genie approve ${next.words} ${next.proposal.approval.id} ${decision}`));
  if (decision === '--allow-once')
    terminal.print(style.dim('  The next run uses it, and it is undone if a KPI gets worse.'));
}

function comparisonRow(one: KpiComparison, style: Style): readonly string[] {
  const show = (value: number | undefined): string =>
    value === undefined ? style.dim('no data') : `${number(value)} ${plainLine(one.unit)}`;
  const paint = one.verdict === 'better' ? style.green : one.verdict === 'worse' ? style.red : style.dim;
  return [`  ${plainLine(one.name)}`, show(one.baseline), show(one.changed), paint(one.verdict)];
}

/** The experiments of a genie, newest first. */
export async function showExperiments(experiments: Experiments, terminal: Terminal): Promise<void> {
  const rows = (await experiments.list()).toReversed();
  const history = await experiments.history();
  terminal.printJson({ experiments: rows, history });
  if (rows.length === 0) terminal.print('Nothing was tried yet.');
  const { style } = terminal;
  for (const row of rows) {
    const gone = history.some(({ experimentId, event }) => experimentId === row.id && event === 'swept');
    terminal.print(
      `${dateTime(row.createdAt)}  ${row.state.padEnd(11)}  ${plainLine(row.title)} ${style.dim(`${row.id}${gone ? ', copies removed' : ''}`)}`,
    );
    const why = row.report === undefined ? row.error : `${row.report.recommendation}: ${row.report.why}`;
    if (why !== undefined) terminal.print(style.dim(`    ${plainLine(why, 300)}`));
  }
}

export function showRolledBack(row: ExperimentRow, terminal: Terminal): void {
  terminal.printJson({ rolledBack: row });
  terminal.print(`${terminal.style.green('✓')} Rolled back: ${plainLine(row.title)}`);
}

export function showSwept(ids: readonly string[], terminal: Terminal): void {
  terminal.printJson({ swept: ids });
  terminal.print(`The copies of ${count(ids.length, 'experiment')} were removed; records and reports stay.`);
}
