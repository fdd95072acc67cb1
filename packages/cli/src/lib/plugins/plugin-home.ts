import { readGenieFile, writeGenieFile } from '@genie/core/home';
import type { CommandContext } from '../cli/command.ts';
import { readSettings } from '../compose/genie-settings.ts';
import type { PluginSettings } from '../compose/toolbox-settings.ts';
import { type FoundHome, findHome } from '../homes/find-home.ts';

export interface PluginHome extends FoundHome {
  readonly genieId: string;
  readonly plugins: readonly PluginSettings[];
}

/** The genie that a subcommand is about: `--home`, the first word, or the only one there is. */
export function findPluginHome(context: CommandContext): PluginHome {
  const found = findHome(context, { nameIsOptional: true });
  const file = readGenieFile(found.home);
  return { ...found, genieId: file.id, plugins: readSettings(found.home, file).plugins };
}

/** Writes the list of plugins, and leaves the rest of `genie.json` as it is now. */
export function writePlugins(
  home: string,
  change: (plugins: readonly PluginSettings[]) => readonly PluginSettings[],
): void {
  const file = readGenieFile(home);
  writeGenieFile(home, { ...file, plugins: [...change(readSettings(home, file).plugins)] });
}
