import type { GenieUpdate } from '@genie/core';
import type { GenieFile, HomeFolders } from '@genie/core/home';
import type { Approvals, EgressPort, MemoryPort, Source, Tool, Toolbox } from '@genie/core/ports';
import { openExplorations, openPlaybooks, planWithExplorations, planWithPlaybooks } from '@genie/tools';
import type { GenieSettings } from '../compose/genie-settings.ts';
import type { Hands } from '../compose/open-hands.ts';
import type { OpenModels } from '../compose/open-models.ts';
import { openTools } from '../compose/open-tools.ts';
import { createQuietGate, type QuietGate } from '../compose/source-gate.ts';
import { mcpFolder } from '../mcp/mcp-folder.ts';
import type { Servers } from '../mcp/open-servers.ts';

export interface RunPartsDeps {
  readonly file: GenieFile;
  readonly settings: GenieSettings;
  readonly models: OpenModels;
  readonly folders: HomeFolders;
  readonly memory: Pick<MemoryPort, 'working'>;
  readonly approvals: Pick<Approvals, 'list'>;
  readonly door: EgressPort;
  readonly servers: Servers | undefined;
  /** Left out by replays: they act on nothing. */
  readonly hands?: Hands | undefined;
  readonly wakesAlways: boolean;
}

/** What the runs of a genie work with, as far as `genie.json` says it. */
export interface RunParts {
  readonly gate: QuietGate;
  readonly options: GenieUpdate;
}

/** Made when a genie is opened, and again whenever its settings changed: the next run uses the new ones. */
export function createRunParts(deps: RunPartsDeps): RunParts {
  const { file, settings, models, folders, memory, approvals, door, servers, hands, wakesAlways } = deps;
  const sources = (file.sources ?? []) as readonly Source[];
  const watched = servers ? sources.filter(({ kind }) => kind !== 'mcp') : sources;
  const inner = createQuietGate({ sources: watched, door, memory, genieId: file.id, approvals });
  const gate = servers ? servers.watch(inner) : inner;
  const own = openTools({ sources, workspace: folders.workspace, accepted: settings.tools, hands });
  const tools = servers ? servers.extend(own) : own;
  const playbooks = openPlaybooks({ dir: mcpFolder(folders.root) });
  const explorations = openExplorations({ dir: mcpFolder(folders.root) });
  const planning = planWithExplorations(planWithPlaybooks(models.planning, playbooks.accepted), explorations);
  return {
    gate,
    options: {
      sources,
      tools: withPolicy(tools, settings.toolPolicy),
      models: { planning, execution: models.execution },
      prices: models.prices,
      wakeGate: wakesAlways
        ? async (context) => ({ ...(await gate.wakeGate(context)), wake: true, reason: 'woken by force' })
        : gate.wakeGate,
      instructions: instructionsOf(file, settings),
      budget: (file.budget ?? {}) as NonNullable<GenieUpdate['budget']>,
      ...(file.planning ? { planning: file.planning } : {}),
      ...(file.schedule ? { schedule: file.schedule as NonNullable<GenieUpdate['schedule']> } : {}),
    },
  };
}

/** The user's own words, then what adjustments added, search terms as the section `# Look for`. Empty when there is nothing. */
function instructionsOf({ instructions }: GenieFile, { promptFragments, searchTerms }: GenieSettings): string {
  const terms =
    searchTerms.length === 0
      ? []
      : [`# Look for\n\n${searchTerms.map((term) => `- ${term.replace(/\s+/g, ' ')}`).join('\n')}`];
  return [...(instructions ? [instructions] : []), ...Object.values(promptFragments), ...terms].join('\n\n');
}

/** `deny` hides a tool, `ask` asks before every call, `allow` before none. A toolbox may change, so it is read anew. */
function withPolicy(toolbox: Toolbox, policy: GenieSettings['toolPolicy']): Toolbox {
  if (Object.keys(policy).length === 0) return toolbox;
  const apply = (tool: Tool): readonly Tool[] => {
    const rule = Object.hasOwn(policy, tool.name) ? policy[tool.name] : undefined;
    if (rule === 'deny') return [];
    return rule === undefined ? [tool] : [{ ...tool, approval: rule === 'ask' ? 'always' : 'never' }];
  };
  return {
    list: () => toolbox.list().flatMap(apply),
    get: (name) => {
      const tool = toolbox.get(name);
      return tool === undefined ? undefined : apply(tool)[0];
    },
  };
}
