import type { OpenGenie } from '../compose.ts';
import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { findHomes } from '../lib/homes/find-home.ts';
import type { NamedHome } from '../lib/homes/list-homes.ts';
import { homeWords } from '../lib/running/home-words.ts';
import { modelFlags, modelsFrom } from '../lib/running/model-flags.ts';
import { tellWarning } from '../lib/running/tell-warning.ts';

export const command: Command = {
  name: 'watch',
  summary: 'wake genies by their schedule, in this process',
  usage: 'watch [NAME…]',
  description:
    'Without names: every genie that has a schedule. Missed wakes are made up for by the policy of the schedule; interrupted runs go ' +
    'on; a run that waits goes on when you decide with "genie approve" in another terminal. Ctrl-C stops; a run that is cut short can be resumed.',
  flags: { ...modelFlags },
  examples: [
    ['genie watch', 'all genies with a schedule'],
    ['genie watch news --json', 'one, as JSON lines for a log'],
  ],
  stopsByItself: true,
  async run(context) {
    const [{ readGenieFile }, { GenieError }] = await Promise.all([
      import('@genie/core/home'),
      import('@genie/core/errors'),
    ]);
    const isNamed = context.positionals.length > 0 || context.flags.text('home') !== undefined;
    const homes = findHomes(context).filter(({ home }) => isNamed || hasSchedule(() => readGenieFile(home)));
    if (homes.length === 0) {
      throw new GenieError(
        'GENIE_SCHEDULE_MISSING',
        'There is no genie with a schedule. Make one with: genie new --goal "…" --cron "0 7 * * *"',
      );
    }
    const opened: { readonly named: NamedHome; readonly open: OpenGenie }[] = [];
    try {
      for (const named of homes) opened.push({ named, open: await openOne(context, named) });
      return await watchAll(context, opened);
    } finally {
      await Promise.all(opened.map(({ open }) => open.close()));
    }
  },
};

/** Without names, a home that cannot be read does not keep the others from being watched. */
function hasSchedule(read: () => { readonly schedule?: unknown }): boolean {
  try {
    return read().schedule !== undefined;
  } catch {
    return false;
  }
}

async function openOne(context: CommandContext, named: NamedHome): Promise<OpenGenie> {
  const [{ openGenie }, { createTerminalNotifier }, { markdown }] = await Promise.all([
    import('../compose.ts'),
    import('../lib/running/terminal-notifier.ts'),
    import('../print/markdown.ts'),
  ]);
  const { environment, flags, signal, terminal } = context;
  const notifier = createTerminalNotifier(({ title, body }) => {
    const items = body === '' ? ['No item.'] : body.split('\n').map((line) => `- ${line}`);
    for (const line of markdown(['', `## ${title}`, '', ...items, ''].join('\n'), terminal)) terminal.print(line);
  });
  return openGenie({
    home: named.home,
    environment,
    models: modelsFrom(flags),
    store: flags.text('store'),
    notifier,
    onWarning: tellWarning(terminal),
    signal,
  });
}

async function watchAll(
  context: CommandContext,
  opened: readonly { readonly named: NamedHome; readonly open: OpenGenie }[],
): Promise<ExitCode> {
  const { watchGenie } = await import('../lib/watching/watch-genie.ts');
  const cut = await Promise.all(
    opened.map(({ named, open }) => watchGenie({ context, named, open, words: homeWords(context, named) })),
  );
  if (!cut.includes(true)) return exitCodes.ok;
  context.terminal.note('A run was cut short. Go on with: genie resume, or genie watch.');
  return exitCodes.cancelled;
}
