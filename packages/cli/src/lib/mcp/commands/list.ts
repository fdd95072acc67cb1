import { join } from 'node:path';
import { plainLine } from '../../../print/style.ts';
import { table } from '../../../print/table.ts';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { mcpFolder } from '../mcp-folder.ts';
import { findMcpHome, placeOf } from './mcp-home.ts';

/** `genie mcp list`: the servers of a genie, as `genie.json` has them. Starts none. */
export async function list(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const { home, servers } = findMcpHome(context);
  const { openMcpStore } = await import('@genie/tools/mcp');
  const store = openMcpStore({ dir: join(mcpFolder(home), 'accepted') });
  const rows = await Promise.all(
    Object.entries(servers).map(async ([name, server]) => {
      const record = await store.read(name);
      return { name, place: placeOf(server), acceptedTools: Object.keys(record?.pins ?? {}).length, ...server };
    }),
  );
  terminal.printJson({ servers: rows });
  if (rows.length === 0)
    terminal.print('No MCP servers. Add one with: genie mcp add NAME (--url URL | -- PROGRAM ARGUMENT…)');
  const { style } = terminal;
  const lines = rows.map(({ name, acceptedTools, approval, place }) => [
    style.bold(name),
    `${acceptedTools} tools`,
    style.dim(`asks: ${approval}`),
    plainLine(place),
  ]);
  for (const line of table(lines)) terminal.print(line);
  return exitCodes.ok;
}
