import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { findHome } from '../lib/homes/find-home.ts';
import { homeWords } from '../lib/running/home-words.ts';
import { modelFlags, modelsFrom } from '../lib/running/model-flags.ts';
import { createTerminalNotifier } from '../lib/running/terminal-notifier.ts';

export const command: Command = {
  name: 'resume',
  summary: 'go on with runs that wait or were interrupted',
  usage: 'resume [NAME] [RUN | --all]',
  description: 'A run goes on at the first step without a recorded result. Without RUN it is the only unfinished one.',
  flags: {
    all: { type: 'boolean', help: 'every unfinished run, oldest first' },
    ask: { type: 'boolean', help: 'ask for decisions here; --no-ask lets the run wait (default: ask on a terminal)' },
    store: { type: 'text', value: 'URL', help: 'the database that holds the runs: postgres://…' },
    ...modelFlags,
  },
  examples: [
    ['genie resume', 'the only unfinished run of the only genie'],
    ['genie resume news --all', 'everything that is unfinished'],
  ],
  stopsByItself: true,
  maxPositionals: 2,
  async run(context) {
    const { flags, terminal, environment, signal } = context;
    const found = findHome(context, { nameIsOptional: true });
    const words = homeWords(context, found);
    const [{ inspectHome }, { isUnfinished }] = await Promise.all([
      import('../lib/homes/inspect-home.ts'),
      import('../lib/homes/run-summary.ts'),
    ]);
    const store = flags.text('store');
    const unfinished = store
      ? await unfinishedInStore(store, found.home)
      : (await inspectHome(found)).runs
          .filter((run) => isUnfinished(run) || run.status === 'running')
          .map(({ runId }) => runId);
    const [named] = found.rest;
    if (named === undefined && unfinished.length === 0) {
      terminal.printJson({ resumed: [] });
      terminal.print(`${found.name} has no unfinished run.`);
      return exitCodes.ok;
    }
    if (named === undefined && unfinished.length > 1 && !flags.on('all')) {
      throw usageError(
        `${found.name} has ${unfinished.length} unfinished runs: ${unfinished.join(', ')}. Name one, or use --all.`,
      );
    }
    const [{ openGenie }, { resumeRuns }] = await Promise.all([
      import('../compose.ts'),
      import('../lib/running/resume-runs.ts'),
    ]);
    const open = await openGenie({
      home: found.home,
      environment,
      models: modelsFrom(flags),
      ...(store === undefined ? {} : { store }),
      notifier: createTerminalNotifier(() => undefined),
      signal,
    });
    try {
      const runIds = named === undefined ? unfinished : [named];
      return await resumeRuns(context, open, { runIds, words, ask: flags.choice('ask') ?? terminal.isInteractive });
    } finally {
      await open.close();
    }
  },
};

async function unfinishedInStore(url: string, home: string): Promise<string[]> {
  const [{ openStore }, { readGenieFile }] = await Promise.all([
    import('../lib/compose/open-store.ts'),
    import('@genie/core/home'),
  ]);
  const store = await openStore({ url, genieId: readGenieFile(home).id });
  try {
    const runs = (await store?.journal.list()) ?? [];
    return runs.filter(({ status }) => status === 'open').map(({ runId }) => runId);
  } finally {
    await store?.close();
  }
}
