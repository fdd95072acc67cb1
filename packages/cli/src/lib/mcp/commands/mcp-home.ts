import { readGenieFile } from '@genie/core/home';
import type { CommandContext } from '../../cli/command.ts';
import { didYouMean } from '../../cli/suggest.ts';
import { usageError } from '../../cli/usage-error.ts';
import { type GenieSettings, readSettings } from '../../compose/genie-settings.ts';
import { type FoundHome, findHome } from '../../homes/find-home.ts';
import type { McpServerSettings, McpSettings } from '../mcp-settings.ts';

export interface McpHome extends FoundHome {
  readonly genieId: string;
  readonly servers: McpSettings;
  /** What the user said about single tools. */
  readonly toolPolicy: GenieSettings['toolPolicy'];
}

/** The genie that a subcommand is about: `--home`, the first word, or the only one there is. */
export function findMcpHome(context: CommandContext): McpHome {
  const found = findHome({ ...context, positionals: context.positionals.slice(1) }, { nameIsOptional: true });
  const file = readGenieFile(found.home);
  const { mcp, toolPolicy } = readSettings(found.home, file);
  return { ...found, genieId: file.id, servers: mcp, toolPolicy };
}

export interface NamedServer {
  readonly name: string;
  readonly server: McpServerSettings;
}

/** The server that the word after the genie names. Throws `GENIE_CLI_USAGE` when there is none of that name. */
export function chooseServer({ servers, rest }: McpHome, action: string): NamedServer {
  const names = Object.keys(servers);
  const [name] = rest;
  if (name === undefined) throw usageError(`Name the server: genie mcp ${action} [GENIE] SERVER. ${known(names)}`);
  const server = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (!server)
    throw usageError(`There is no MCP server ${JSON.stringify(name)}.${didYouMean(name, names)} ${known(names)}`);
  return { name, server };
}

function known(names: readonly string[]): string {
  return names.length > 0 ? `Known: ${names.join(', ')}.` : 'This genie has none; add one with: genie mcp add';
}

/** How a server is reached, in a few words. Values of its environment are not part of it. */
export function placeOf({ command, url, sandbox }: McpServerSettings): string {
  return url ?? `${(command ?? []).join(' ')}${sandbox ? '' : ' (no sandbox)'}`;
}
