import type { Command } from '../lib/cli/command.ts';
import { globalFlags } from '../lib/cli/command.ts';
import { type CompletionWord, completionScript, type Shell, shells } from '../lib/cli/completion-script.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { didYouMean } from '../lib/cli/suggest.ts';
import { usageError } from '../lib/cli/usage-error.ts';

export const command: Command = {
  name: 'completion',
  summary: 'print the completion script of a shell',
  usage: 'completion bash | zsh | fish',
  flags: {},
  examples: [
    ['source <(genie completion bash)', 'this bash; put it into ~/.bashrc to keep it'],
    ['genie completion zsh > ~/.zfunc/_genie', 'zsh, with ~/.zfunc in fpath'],
    ['genie completion fish > ~/.config/fish/completions/genie.fish', 'fish'],
  ],
  maxPositionals: 1,
  async run({ positionals: [shell = ''], terminal, commands }) {
    if (!(shells as readonly string[]).includes(shell)) {
      throw usageError(
        `genie completion needs a shell: ${shells.join(', ')}; got ${JSON.stringify(shell)}.${didYouMean(shell, shells)}`,
      );
    }
    const words = await Promise.all(
      Object.entries(commands).map(async ([name, entry]): Promise<CompletionWord> => {
        const { flags } = (await entry.load()).command;
        return { name, summary: entry.summary, flags: { ...flags, ...globalFlags } };
      }),
    );
    const script = completionScript(shell as Shell, words);
    terminal.print(script);
    terminal.printJson({ shell, script });
    return exitCodes.ok;
  },
};
