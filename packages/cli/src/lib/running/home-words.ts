import type { CommandContext } from '../cli/command.ts';
import { storeWords } from '../compose/store-reference.ts';
import type { NamedHome } from '../homes/list-homes.ts';

/** How the user names this genie in the next command line. */
export function homeWords(context: Pick<CommandContext, 'flags'>, found: NamedHome): string {
  const name = context.flags.text('home') === undefined ? found.name : `--home ${quote(found.home)}`;
  return `${name}${storeWords({ store: context.flags.text('store') })}`;
}

/** Quoted for a POSIX shell where it needs it. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
