import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConformanceReport } from '@genie/core/conformance';
import { runConformance } from '@genie/core/conformance';
import { describeThrown } from '@genie/core/errors';
import { duration } from '../../print/amounts.ts';
import { plainLine } from '../../print/style.ts';
import { table } from '../../print/table.ts';
import type { CommandContext } from '../cli/command.ts';
import { usageError } from '../cli/usage-error.ts';
import type { SuitePair } from './choose-pairs.ts';
import { toJunit } from './junit.ts';

/** Runs the suites, prints a table of each, writes the files that were asked for. Returns how many cases failed. */
export async function runSuites(context: CommandContext, pairs: readonly SuitePair[]): Promise<number> {
  const { flags, terminal, workingFolder } = context;
  const timeoutMs = flags.positive('timeout-ms');
  const reports: ConformanceReport[] = [];
  for (const { suite, create } of pairs) {
    const report = await runConformance(suite.suite, create, timeoutMs === undefined ? {} : { timeoutMs });
    reports.push(report);
    printReport(context, report);
  }
  const [only] = reports;
  // One suite gives its report as it is; several give a list.
  const document = reports.length === 1 && only ? only : { reports };
  terminal.printJson(document);
  writeReport(workingFolder, flags.text('out'), () => `${JSON.stringify(document, undefined, 2)}\n`);
  writeReport(workingFolder, flags.text('junit'), () => toJunit(reports));
  return reports.reduce((sum, { failed }) => sum + failed, 0);
}

function printReport({ terminal }: CommandContext, report: ConformanceReport): void {
  const { style } = terminal;
  const marks = { passed: style.green('✓'), failed: style.red('✗'), unsupported: style.yellow('–') };
  const rows = report.results.map(({ name, status, reason, tookMs }) => [
    marks[status],
    status,
    plainLine(name),
    style.dim(duration(tookMs)),
    plainLine(reason ?? '', 200),
  ]);
  for (const line of table(rows)) terminal.print(line);
  const times = (status: string): number => report.results.filter((result) => result.status === status).length;
  terminal.print(
    `${report.port}: ${times('passed')} passed, ${report.failed} failed, ${times('unsupported')} unsupported`,
  );
}

function writeReport(workingFolder: string, file: string | undefined, text: () => string): void {
  if (file === undefined) return;
  const path = resolve(workingFolder, file);
  try {
    writeFileSync(path, text());
  } catch (error) {
    throw usageError(`The report ${path} cannot be written: ${describeThrown(error)}`);
  }
}
