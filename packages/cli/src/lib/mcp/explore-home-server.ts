import type { Tool, Toolbox } from '@genie/core/ports';
import type { Environment } from '@genie/inference';
import { openExplorations } from '@genie/tools';
import { type ExploredTool, exploreServer, type ServerExploration } from '@genie/tools/mcp';
import type { CommandContext } from '../cli/command.ts';
import type { McpHome, NamedServer } from './commands/mcp-home.ts';
import { tryServer } from './commands/try-server.ts';
import { mcpFolder } from './mcp-folder.ts';
import { offeredTools } from './mcp-hub.ts';
import type { McpServerSettings } from './mcp-settings.ts';

export interface ExploreHomeServerOptions {
  readonly context: Pick<CommandContext, 'environment' | 'signal'>;
  readonly home: Pick<McpHome, 'home' | 'genieId' | 'toolPolicy'>;
  readonly named: NamedServer;
  /** Most calls. */
  readonly calls?: number;
  readonly onTool?: (found: ExploredTool) => void;
}

/**
 * Explores one server of a home over a connection of its own, with the walls and rules of a run, and keeps what became known. Nobody
 * is asked anything. Rejects as `openServer` does, and with `GENIE_MCP_STORE`.
 */
export async function exploreHomeServer(options: ExploreHomeServerOptions): Promise<ServerExploration> {
  const { context, home, named, calls, onTool } = options;
  const explorations = openExplorations({ dir: mcpFolder(home.home) });
  const earlier = await explorations.read(named.name);
  const open = await tryServer(context, home, named);
  try {
    const found = await exploreServer({
      connection: open.connection,
      tools: withPolicy(offeredTools(open.connection, named.server), home.toolPolicy),
      genieId: home.genieId,
      ...(calls === undefined ? {} : { budget: { calls } }),
      earlier,
      redact: (text) => withoutSecrets(text, named.server, context.environment),
      signal: context.signal,
      ...(onTool ? { onTool } : {}),
    });
    await explorations.write(named.name, found);
    return found;
  } finally {
    await open.close();
  }
}

/** Secrets stay in the environment, also when a server answers with its own: with or without the escapes of JSON. */
function withoutSecrets(text: string, { env, tokenFrom }: McpServerSettings, environment: Environment): string {
  const names = [...Object.values(env), ...(tokenFrom === undefined ? [] : [tokenFrom])];
  const values = names.map((name) => environment[name] ?? '').toSorted((left, right) => right.length - left.length);
  return values
    .flatMap((value) => (value === '' ? [] : [value, JSON.stringify(value).slice(1, -1)]))
    .reduce((rest, value) => rest.replaceAll(value, '[secret]'), text);
}

/** What the user denied is left out; what they want to be asked about keeps that. */
function withPolicy(tools: Toolbox, policy: McpHome['toolPolicy']): Pick<Toolbox, 'list'> {
  const apply = (tool: Tool): readonly Tool[] => {
    const rule = Object.hasOwn(policy, tool.name) ? policy[tool.name] : undefined;
    if (rule === 'deny') return [];
    return rule === undefined ? [tool] : [{ ...tool, approval: rule === 'ask' ? 'always' : 'never' }];
  };
  return { list: () => tools.list().flatMap(apply) };
}
