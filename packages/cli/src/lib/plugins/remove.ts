import { rmSync } from 'node:fs';
import type { CommandContext } from '../cli/command.ts';
import { type ExitCode, exitCodes } from '../cli/exit-codes.ts';
import { didYouMean } from '../cli/suggest.ts';
import { usageError } from '../cli/usage-error.ts';
import { installedAt } from '../compose/open-hands.ts';
import { findPluginHome, writePlugins } from './plugin-home.ts';

/** `genie plugin remove`: takes it out of `genie.json` first, so that nothing half removed is ever loaded. */
export async function remove(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const home = findPluginHome(context);
  const [id] = home.rest;
  const known = home.plugins.map((plugin) => plugin.id);
  if (id === undefined || !known.includes(id)) {
    throw usageError(
      `Name an installed plugin: genie plugin remove [GENIE] ID.${didYouMean(id ?? '', known)} Installed: ${known.join(', ') || 'none'}.`,
    );
  }
  writePlugins(home.home, (plugins) => plugins.filter((plugin) => plugin.id !== id));
  rmSync(installedAt(home.home, { id }), { recursive: true, force: true });
  terminal.printJson({ removed: id });
  terminal.print(`Removed ${terminal.style.bold(id)}.`);
  return exitCodes.ok;
}
