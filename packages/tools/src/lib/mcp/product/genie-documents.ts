import { textContent } from '../content.ts';
import type { McpServerOptions } from '../server/create-mcp-server.ts';
import type { McpPrompt, McpResource, McpResourceTemplate } from '../server/mcp-resource.ts';
import type { UseGenie } from './use-genie.ts';

/** Files of a genie, e.g. those under `artifacts/` of its home. */
export interface Artifacts {
  /** Keys with `/`, newest first; briefings are under `briefings/`. */
  list(): Promise<readonly string[]>;
  /** Undefined when there is no such file. */
  read(
    key: string,
  ): Promise<{ readonly text?: string; readonly base64?: string; readonly mimeType: string } | undefined>;
}

interface DocumentSources {
  readonly goal: string;
  readonly use: UseGenie;
  readonly offers: { readonly memory: boolean; readonly metrics: boolean };
  readonly artifacts?: Artifacts;
}

/** What a client may read of a genie, and the prompts it offers. */
export function genieDocuments(
  sources: DocumentSources,
): Required<Pick<McpServerOptions, 'resources' | 'resourceTemplates' | 'prompts'>> {
  return { resources: resources(sources), resourceTemplates: templates(sources), prompts: prompts(sources) };
}

function resources({ goal, use, offers, artifacts }: DocumentSources): readonly McpResource[] {
  const json = 'application/json';
  const list: McpResource[] = [
    {
      uri: 'genie://goal',
      name: 'goal',
      description: 'What the genie pursues.',
      mimeType: 'text/plain',
      read: () => [{ uri: 'genie://goal', mimeType: 'text/plain', text: goal }],
    },
  ];
  if (offers.metrics)
    list.push({
      uri: 'genie://metrics',
      name: 'metrics',
      description: 'The KPIs of the genie.',
      mimeType: json,
      read: async () => {
        const kpis = (await use(async ({ metrics }) => metrics?.definitions())) ?? [];
        return [{ uri: 'genie://metrics', mimeType: json, text: JSON.stringify(kpis) }];
      },
    });
  if (artifacts)
    list.push({
      uri: 'genie://artifacts',
      name: 'artifacts',
      description:
        'Keys of the files that the genie made; read one at genie://artifacts/{key}, with the key URL-encoded.',
      mimeType: json,
      read: async () => [{ uri: 'genie://artifacts', mimeType: json, text: JSON.stringify(await artifacts.list()) }],
    });
  return list;
}

function templates({ use, offers, artifacts }: DocumentSources): readonly McpResourceTemplate[] {
  const list: McpResourceTemplate[] = [];
  if (artifacts)
    list.push({
      uriTemplate: 'genie://artifacts/{key}',
      name: 'artifact',
      description: 'One file that the genie made, such as a briefing. The key is URL-encoded.',
      async read(uri, { key = '' }) {
        const file = (await artifacts.list()).includes(key) ? await artifacts.read(key) : undefined;
        if (!file) return undefined;
        const { text, base64, mimeType } = file;
        return [{ uri, mimeType, ...(text === undefined ? { blob: base64 ?? '' } : { text }) }];
      },
      complete: async (_variable, value) => (await artifacts.list()).filter((key) => key.startsWith(value)),
    });
  if (offers.memory)
    list.push({
      uriTemplate: 'genie://memory/{query}',
      name: 'memory',
      description: 'What the genie remembers about something.',
      mimeType: 'application/json',
      async read(uri, { query = '' }, { signal }) {
        const answer = await use(async ({ memory }) => memory?.recall(query, { k: 10, signal }));
        const text = JSON.stringify(
          (answer?.items ?? []).map((item) => ({ id: item.id, text: item.text, score: item.score })),
        );
        return [{ uri, mimeType: 'application/json', text }];
      },
    });
  return list;
}

function prompts({ goal }: DocumentSources): readonly McpPrompt[] {
  return [
    {
      name: 'briefing',
      description: 'Asks for a fresh briefing.',
      arguments: [{ name: 'focus', description: 'What to look at in particular.' }],
      get: async ({ focus }) => [
        {
          role: 'user',
          content: textContent(
            `Run the genie (tool genie_run) and show me its briefing. Its goal: ${goal}.${focus ? ` Look at ${focus} in particular.` : ''}`,
          ),
        },
      ],
    },
  ];
}
