import type { LanguageModel } from '@genie/core/ports';
import { clip } from '../../clip.ts';
import { tellModel } from '../tell-model.ts';
import type { ExploredTool } from './exploration.ts';
import type { Explorations } from './explored-store.ts';

const maxCharacters = 4_000;
const heading = 'These tools were tried once, without arguments of their own. What was measured then:';

/**
 * A planning model that is told how the tools of explored servers behaved: which answer, how fast, how much, and which fail. Only
 * names, codes and numbers: nothing that a server wrote. A damaged file tells nothing.
 */
export function planWithExplorations(model: LanguageModel, explorations: Pick<Explorations, 'all'>): LanguageModel {
  return tellModel(model, async () => {
    const servers = await explorations.all().catch(() => []);
    const lines = servers.flatMap(({ tools }) => tools.flatMap((found) => describeExplored(found) ?? []));
    return lines.length === 0 ? undefined : clip([heading, ...lines].join('\n'), maxCharacters);
  });
}

/** One line; undefined for a tool that was not called. */
export function describeExplored(found: ExploredTool): string | undefined {
  if (found.outcome === 'answers')
    return `- ${found.tool}: answers in ${found.tookMs} ms with ${found.sizeBytes} bytes`;
  return found.outcome === 'fails' ? `- ${found.tool}: fails with ${found.code}` : undefined;
}
