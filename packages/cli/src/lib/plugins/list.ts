import { plainLine } from '../../print/style.ts';
import { table } from '../../print/table.ts';
import type { CommandContext } from '../cli/command.ts';
import { type ExitCode, exitCodes } from '../cli/exit-codes.ts';
import { installedAt } from '../compose/open-hands.ts';
import type { PluginSettings } from '../compose/toolbox-settings.ts';
import { findPluginHome } from './plugin-home.ts';

/** `genie plugin list`: what is installed, what was approved for it, and whether its files are still those. */
export async function list(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const home = findPluginHome(context);
  const { hashPlugin } = await import('@genie/tools');
  const statusOf = (plugin: PluginSettings): 'ok' | 'changed' | 'missing' => {
    try {
      return hashPlugin(installedAt(home.home, plugin)) === plugin.integrity ? 'ok' : 'changed';
    } catch {
      return 'missing';
    }
  };
  const plugins = home.plugins.map((plugin) => ({ ...plugin, status: statusOf(plugin) }));
  terminal.printJson({ plugins });
  if (plugins.length === 0) terminal.print('No plugins. Install one with: genie plugin add FOLDER_OR_PACKAGE');
  const { style } = terminal;
  const rows = plugins.map(({ id, version, status, permissions }) => [
    style.bold(plainLine(id)),
    plainLine(version),
    status === 'ok' ? style.green(status) : style.red(`${status}: not loaded`),
    permissions.join(', ') || 'no permissions',
  ]);
  for (const line of table(rows)) terminal.print(line);
  return plugins.every(({ status }) => status === 'ok') ? exitCodes.ok : exitCodes.failed;
}
