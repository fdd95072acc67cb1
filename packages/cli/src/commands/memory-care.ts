import type { Memory } from '@genie/memory';
import type { CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { count, duration } from '../print/amounts.ts';
import { plainLine } from '../print/style.ts';

/** `genie memory consolidate`: tidies now what a genie tidies by itself, or takes an earlier time back. */
export async function consolidate(memory: Memory, context: CommandContext): Promise<ExitCode> {
  const { flags, terminal, signal } = context;
  const namespace = flags.text('namespace');
  const place = namespace === undefined ? {} : { namespace };
  const undone = flags.text('undo');
  if (undone !== undefined) {
    const restored = await memory.rollBack(undone, { ...place, signal });
    terminal.printJson({ operationId: undone, restored });
    terminal.print(`${count(restored, 'record')} restored to what was before ${undone}.`);
    return exitCodes.ok;
  }
  const budgetMs = flags.positive('budget');
  const receipt = await memory.consolidate({ ...place, signal, ...(budgetMs === undefined ? {} : { budgetMs }) });
  terminal.printJson(receipt);
  const { merged, patterns, summaries, rescored, refused, operationId, complete, tookMs } = receipt;
  terminal.print(
    `${merged} merged, ${count(patterns, 'pattern')}, ${count(summaries, 'summary', 'summaries')}, ${rescored} rescored in ${duration(tookMs)}`,
  );
  for (const reason of refused) terminal.print(terminal.style.yellow(`  refused: ${plainLine(reason, 200)}`));
  if (!complete) terminal.print('The budget ended first; the next time goes on.');
  if (operationId !== undefined)
    terminal.print(terminal.style.dim(`Undo with: genie memory consolidate --undo ${operationId}`));
  return exitCodes.ok;
}

/** `genie memory verify`: is every record and index whole? */
export async function verify(memory: Memory, { terminal }: CommandContext): Promise<ExitCode> {
  const report = await memory.verify();
  terminal.printJson(report);
  for (const problem of report.problems) terminal.print(terminal.style.red(plainLine(problem, 300)));
  terminal.print(report.ok ? 'The memory is whole.' : `${count(report.problems.length, 'problem')} found.`);
  return report.ok ? exitCodes.ok : exitCodes.failed;
}
