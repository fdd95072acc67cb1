import type { LanguageModel } from '@genie/core/ports';
import { clip } from '../../clip.ts';
import { tellModel } from '../tell-model.ts';
import type { ToolChainStep } from './find-tool-chains.ts';
import type { Playbook } from './playbooks.ts';

const maxCharacters = 8_000;
const heading =
  'The user accepted these playbooks. Where one serves the goal, plan its steps in this order, with values for what is marked "?":';

/**
 * A planning model that is told the playbooks its user accepted, behind its system message. They are read for each call, so that
 * one that was accepted meanwhile counts; a call fails with what `read` rejects with.
 */
export function planWithPlaybooks(model: LanguageModel, read: () => Promise<readonly Playbook[]>): LanguageModel {
  return tellModel(model, async () => {
    const playbooks = await read();
    return playbooks.length === 0
      ? undefined
      : clip([heading, ...playbooks.map(describePlaybook)].join('\n'), maxCharacters);
  });
}

/** One line: `- search(limit=5, query=?), then read(path=from step 1)`. */
export function describePlaybook({ steps }: Pick<Playbook, 'steps'>): string {
  return `- ${steps.map(describeStep).join(', then ')}`;
}

function describeStep({ tool, fixed, fromStep, parameters }: ToolChainStep): string {
  const parts = [
    ...Object.entries(fixed).map(([name, value]) => `${name}=${clip(JSON.stringify(value), 200)}`),
    ...Object.entries(fromStep).map(([name, step]) => `${name}=from step ${step + 1}`),
    ...parameters.map((name) => `${name}=?`),
  ];
  return `${tool}(${parts.join(', ')})`;
}
