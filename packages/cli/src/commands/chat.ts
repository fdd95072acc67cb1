import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { OpenGenie } from '../compose.ts';
import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { findHome } from '../lib/homes/find-home.ts';
import { homeWords } from '../lib/running/home-words.ts';
import { modelFlags, modelsFrom } from '../lib/running/model-flags.ts';
import { tellWarning } from '../lib/running/tell-warning.ts';
import { createTerminalNotifier } from '../lib/running/terminal-notifier.ts';

export const command: Command = {
  name: 'chat',
  summary: 'talk to a genie',
  usage: 'chat [NAME] [MESSAGE…]',
  description:
    'With a message it answers once. Without one it reads the message from stdin, or talks on a terminal until you type "exit".',
  flags: {
    ask: { type: 'boolean', help: 'ask for decisions here (default: on a terminal)' },
    ...modelFlags,
  },
  examples: [
    ['genie chat "Which change needs a migration?"', 'ask the only genie'],
    ['genie chat news', 'talk on a terminal'],
    ['echo "How many commits this week?" | genie chat news', 'ask from a script'],
  ],
  stopsByItself: true,
  async run(context) {
    const { flags, environment, signal, terminal } = context;
    const found = findHome(context, { nameIsOptional: true });
    const message = found.rest.join(' ').trim() || (await piped(terminal.stdin));
    if (message === '' && !terminal.isInteractive)
      throw usageError(`There is no message. Say something: genie chat ${homeWords(context, found)} "…"`);
    const { openGenie } = await import('../compose.ts');
    const open = await openGenie({
      home: found.home,
      environment,
      models: modelsFrom(flags),
      store: flags.text('store'),
      notifier: createTerminalNotifier(() => undefined),
      onWarning: tellWarning(terminal),
      signal,
    });
    try {
      const words = homeWords(context, found);
      return message === '' ? await converse(context, open, words) : await answer(context, open, { message, words });
    } finally {
      await open.close();
    }
  },
};

async function answer(
  context: CommandContext,
  open: OpenGenie,
  { message, words }: { readonly message: string; readonly words: string },
): Promise<ExitCode> {
  const [{ conductRun }, { reportOutcome }] = await Promise.all([
    import('../lib/running/conduct-run.ts'),
    import('../lib/running/report-outcome.ts'),
  ]);
  const { signal, flags, terminal } = context;
  const ask = flags.choice('ask') ?? terminal.isInteractive;
  const outcome = await conductRun({ context, open, ask, start: () => open.genie.chat(message, { signal }) });
  return reportOutcome(terminal, outcome, words);
}

async function converse(context: CommandContext, open: OpenGenie, words: string): Promise<ExitCode> {
  const { terminal, signal } = context;
  terminal.note(`${terminal.noteStyle.bold(open.file.goal)}\nType a message, or "exit".`);
  while (!signal.aborted) {
    // Made anew for each line: while a run asks for a decision, the terminal belongs to the question.
    const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
    const message = await lines
      .question('you> ', { signal })
      .catch(() => 'exit')
      .finally(() => lines.close());
    if (/^(?:exit|quit)$/i.test(message.trim())) return exitCodes.ok;
    if (message.trim() === '') continue;
    await answer(context, open, { message, words });
  }
  return exitCodes.cancelled;
}

async function piped(stdin: NodeJS.ReadStream): Promise<string> {
  return stdin.isTTY ? '' : (await text(stdin)).trim();
}
