import type { McpConnection } from '@genie/tools/mcp';
import { plainLine } from '../../../print/style.ts';
import { table } from '../../../print/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { acceptedBy } from '../mcp-hub.ts';
import type { McpServerSettings } from '../mcp-settings.ts';

export interface ConnectionDescription {
  readonly serverName: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly instructions: string | undefined;
  readonly tools: readonly {
    readonly name: string;
    readonly effect: string;
    readonly description: string;
    /** False when the settings leave it out. */
    readonly offered: boolean;
  }[];
  readonly withheld: McpConnection['withheld'];
}

/** What a server is and offers, in its own words. */
export function describeConnection(
  connection: McpConnection,
  server: Pick<McpServerSettings, 'tools'>,
): ConnectionDescription {
  const { serverName, protocolVersion, instructions, withheld } = connection;
  const isAccepted = acceptedBy(server.tools);
  const tools = connection.list().map(({ name, effect, description }) => {
    const own = name.slice(connection.name.length + 2);
    return { name, effect, description, offered: isAccepted(own) };
  });
  return { serverName, protocolVersion, instructions, tools, withheld };
}

export function printConnection({ print, style }: Terminal, found: ConnectionDescription): void {
  print(`  ${plainLine(found.serverName ?? 'a server without a name')} · MCP ${found.protocolVersion ?? '?'}`);
  const rows = found.tools.map(({ name, effect, description, offered }) => [
    offered ? style.green('✓') : style.dim('-'),
    name,
    style.dim(effect),
    plainLine(description).slice(0, 60),
  ]);
  for (const line of table(rows, 2)) print(line);
  for (const { name, reason } of found.withheld) print(`  ${style.red('✗')} ${plainLine(name)}: ${plainLine(reason)}`);
}
