import { relative, resolve } from 'node:path';
import type { CommandContext } from '../cli/command.ts';
import { type ExitCode, exitCodes } from '../cli/exit-codes.ts';
import { usageError } from '../cli/usage-error.ts';

/** `genie plugin new`: a plugin that passes its kit, to start from. */
export async function newPlugin({ positionals, flags, terminal, workingFolder }: CommandContext): Promise<ExitCode> {
  const [id, ...more] = positionals;
  if (id === undefined || more.length > 0) throw usageError('Name the plugin: genie plugin new ID [--to DIR]');
  const { writePluginTemplate } = await import('@genie/tools');
  const folder = resolve(workingFolder, flags.text('to') ?? id);
  const files = writePluginTemplate(folder, id);
  terminal.printJson({ id, folder, files });
  terminal.print(`Wrote ${terminal.style.bold(id)} to ${folder}: ${files.join(', ')}`);
  terminal.print(`  Check it:   genie plugin check ./${relative(workingFolder, folder)}`);
  terminal.print(`  Install it: genie plugin add ./${relative(workingFolder, folder)}`);
  return exitCodes.ok;
}
