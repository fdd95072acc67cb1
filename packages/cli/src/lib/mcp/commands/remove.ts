import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readGenieFile, writeGenieFile } from '@genie/core/home';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { mcpFolder } from '../mcp-folder.ts';
import type { McpSettings } from '../mcp-settings.ts';
import { serverFolder } from '../open-server.ts';
import { chooseServer, findMcpHome } from './mcp-home.ts';

/** `genie mcp remove`: takes a server out of `genie.json`, with its sources, its accepted tools, what was explored and its folder. */
export async function remove(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const home = findMcpHome(context);
  const { name } = chooseServer(home, 'remove');
  const file = readGenieFile(home.home);
  const { [name]: _removed, ...mcp } = (file.mcp ?? {}) as McpSettings;
  const sources = file.sources?.filter(({ kind, location }) => kind !== 'mcp' || !location.startsWith(`${name}/`));
  writeGenieFile(home.home, { ...file, mcp, ...(sources ? { sources } : {}) });
  const [{ openMcpStore }, { openExplorations }] = await Promise.all([
    import('@genie/tools/mcp'),
    import('@genie/tools'),
  ]);
  await openMcpStore({ dir: join(mcpFolder(home.home), 'accepted') }).forget(name);
  await openExplorations({ dir: mcpFolder(home.home) }).forget(name);
  rmSync(serverFolder(home.home, name), { recursive: true, force: true });
  terminal.printJson({ removed: name });
  terminal.print(`Removed ${terminal.style.bold(name)}.`);
  return exitCodes.ok;
}
