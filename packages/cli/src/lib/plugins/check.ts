import { resolve } from 'node:path';
import type { CommandContext } from '../cli/command.ts';
import { type ExitCode, exitCodes } from '../cli/exit-codes.ts';
import { usageError } from '../cli/usage-error.ts';
import { readConfig } from './read-config.ts';

/** `genie plugin check`: what it wants, what its code could do, whether it works as it says. */
export async function check(context: CommandContext): Promise<ExitCode> {
  const { positionals, terminal, workingFolder } = context;
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) throw usageError('Name its folder: genie plugin check FOLDER');
  const [{ checkPlugin }, { printInspection, printReport }] = await Promise.all([
    import('@genie/tools'),
    import('./describe-plugin.ts'),
  ]);
  const checked = await checkPlugin(resolve(workingFolder, folder), readConfig(context));
  terminal.printJson({ ...checked, ok: checked.report.failed === 0 });
  printInspection(terminal, checked);
  printReport(terminal, checked.report);
  return checked.report.failed === 0 ? exitCodes.ok : exitCodes.failed;
}
