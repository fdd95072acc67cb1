import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { printCommandHelp, printHelp } from '../lib/cli/print-help.ts';
import { didYouMean } from '../lib/cli/suggest.ts';
import { usageError } from '../lib/cli/usage-error.ts';

export const command: Command = {
  name: 'help',
  summary: 'print this, or the help of a command',
  usage: 'help [COMMAND]',
  flags: {},
  examples: [['genie help run', 'what `genie run` does and takes']],
  maxPositionals: 1,
  async run({ positionals, terminal, commands }) {
    const [name] = positionals;
    if (name === undefined) {
      printHelp(terminal, commands);
      return exitCodes.ok;
    }
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!entry)
      throw usageError(`genie knows no command "${name}".${didYouMean(name, Object.keys(commands))} See: genie help`);
    printCommandHelp(terminal, (await entry.load()).command);
    return exitCodes.ok;
  },
};
