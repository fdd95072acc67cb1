import type { JsonValue } from '@genie/core/ports';
import type { CommandContext } from '../cli/command.ts';
import { usageError } from '../cli/usage-error.ts';

/** `--config JSON`. Throws `GENIE_CLI_USAGE` for what is no JSON. */
export function readConfig({ flags }: Pick<CommandContext, 'flags'>): { readonly config?: JsonValue } {
  const text = flags.text('config');
  if (text === undefined) return {};
  try {
    return { config: JSON.parse(text) as JsonValue };
  } catch {
    throw usageError(`--config is ${JSON.stringify(text)}: write JSON, e.g. '{"minLetters":3}'.`);
  }
}
