import type { Source, Tool, Toolbox } from '@genie/core/ports';
import { createToolbox } from '@genie/tools';
import type { McpConnection } from '@genie/tools/mcp';
import { createDocumentReader } from './document-reader.ts';
import type { McpServerSettings, McpSettings } from './mcp-settings.ts';
import type { OpenServer } from './open-server.ts';

export interface McpHubOptions {
  readonly servers: McpSettings;
  readonly open: (name: string, server: McpServerSettings) => Promise<OpenServer>;
  /** Told when a server cannot be used. The genie works without it, and it is tried again at the next wake. */
  readonly onFailure: (name: string, error: unknown) => void;
}

/** The MCP servers of one genie: connected when a run needs them, offered as far as the user accepted their tools. */
export interface McpHub {
  /** Connects to what is not connected yet. Never rejects. */
  ready(): Promise<void>;
  /** The given tools and, while they are connected, those of the servers. */
  extend(toolbox: Toolbox): Toolbox;
  /** Hash of what an `mcp` source holds now. Rejects when it cannot be read. */
  fingerprint(source: Source, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** Creates the hub. Nothing is started before `ready`. */
export function createMcpHub({ servers, open, onFailure }: McpHubOptions): McpHub {
  const opened = new Map<string, OpenServer>();
  const boxes = new Map<string, Toolbox>();
  const reader = createDocumentReader((name) => opened.get(name)?.connection);
  let opening: Promise<void> | undefined;
  let isClosed = false;
  const openOne = async (name: string, server: McpServerSettings): Promise<void> => {
    try {
      const one = await open(name, server);
      if (isClosed) return await one.close();
      opened.set(name, one);
      const offer = (): void => void boxes.set(name, offeredTools(one.connection, server));
      one.connection.onChange(offer);
      offer();
    } catch (error) {
      if (!isClosed) onFailure(name, error);
    }
  };
  const hub: McpHub = {
    ready() {
      opening ??= Promise.all(
        Object.entries(servers)
          .filter(([name]) => !opened.has(name))
          .map(([name, server]) => openOne(name, server)),
      ).then(() => {
        opening = undefined;
      });
      return opening;
    },
    extend: (toolbox) => joinToolboxes(toolbox, () => [...boxes.values()], reader.tool),
    async fingerprint(source, signal) {
      await hub.ready();
      return reader.fingerprint(source, signal);
    },
    async close() {
      isClosed = true;
      await opening;
      await Promise.all([...opened.values()].map((one) => one.close()));
    },
  };
  return hub;
}

/** The tools of a connection that the settings let through, with the approval they ask for. */
export function offeredTools(
  connection: McpConnection,
  server: Pick<McpServerSettings, 'tools' | 'approval'>,
): Toolbox {
  const prefix = `${connection.name}__`;
  const isAccepted = acceptedBy(server.tools);
  const tools = connection.list().filter(({ name }) => isAccepted(name.slice(prefix.length)));
  const approval = Object.fromEntries(tools.map((tool) => [tool.name, approvalFor(tool, server.approval)]));
  return createToolbox(tools, { approval });
}

function approvalFor({ effect }: Tool, rule: McpServerSettings['approval']): 'never' | 'always' | 'first-use' {
  if (rule !== 'writes') return rule;
  return effect === 'read' ? 'never' : 'first-use';
}

/** True for a name that one of the patterns matches; without patterns for every name. */
export function acceptedBy(patterns: readonly string[] | undefined): (name: string) => boolean {
  if (!patterns) return () => true;
  const rules = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map(asLiteral).join('.*')}$`));
  return (name) => rules.some((rule) => rule.test(name));
}

function asLiteral(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}

/** Read at the start of every step, so it follows servers that come, go and change. */
function joinToolboxes(base: Toolbox, more: () => readonly Toolbox[], reader: Tool): Toolbox {
  const boxes = (): readonly Toolbox[] => [base, ...more()];
  return {
    list: () => [...boxes().flatMap((box) => box.list()), reader],
    get: (name) =>
      name === reader.name
        ? reader
        : boxes()
            .find((box) => box.get(name))
            ?.get(name),
  };
}
