import type { Flags } from '../cli/command.ts';
import type { FlagValues } from '../cli/flag-values.ts';
import type { ModelReferences } from '../compose/open-models.ts';

/** Flags of every command that lets a genie work. */
export const modelFlags: Flags = {
  model: {
    type: 'text',
    value: 'ID',
    help: 'the model for planning and execution, e.g. offline, anthropic/<id>, ollama/<id>',
  },
  'planning-model': { type: 'text', value: 'ID', help: 'the model that plans' },
  'execution-model': { type: 'text', value: 'ID', help: 'the model that works with the tools' },
};

export function modelsFrom(flags: FlagValues): ModelReferences {
  const both = flags.text('model');
  return { planning: flags.text('planning-model') ?? both, execution: flags.text('execution-model') ?? both };
}
