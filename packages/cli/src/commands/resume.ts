import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { findHome } from '../lib/homes/find-home.ts';
import { homeWords } from '../lib/running/home-words.ts';
import { modelFlags, modelsFrom } from '../lib/running/model-flags.ts';
import { tellWarning } from '../lib/running/tell-warning.ts';
import { createTerminalNotifier } from '../lib/running/terminal-notifier.ts';

export const command: Command = {
  name: 'resume',
  summary: 'go on with runs that wait or were interrupted',
  usage: 'resume [NAME] [RUN | --all]',
  description: 'A run goes on at the first step without a recorded result. Without RUN it is the only unfinished one.',
  flags: {
    all: { type: 'boolean', help: 'every unfinished run, oldest first' },
    ask: { type: 'boolean', help: 'ask for decisions here; --no-ask lets the run wait (default: ask on a terminal)' },
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
    const [{ inspectHome }, { isUnfinished }, { storeChoice }] = await Promise.all([
      import('../lib/homes/inspect-home.ts'),
      import('../lib/homes/run-summary.ts'),
      import('../lib/compose/store-reference.ts'),
    ]);
    const unfinished = (await inspectHome(found, storeChoice(context))).runs
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
      store: flags.text('store'),
      notifier: createTerminalNotifier(() => undefined),
      onWarning: tellWarning(terminal),
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
