import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { findHome } from '../lib/homes/find-home.ts';
import { homeWords } from '../lib/running/home-words.ts';
import { modelFlags, modelsFrom } from '../lib/running/model-flags.ts';
import { tellWarning } from '../lib/running/tell-warning.ts';
import { createTerminalNotifier } from '../lib/running/terminal-notifier.ts';

export const command: Command = {
  name: 'run',
  summary: 'wake a genie now',
  usage: 'run [NAME] [options]',
  description:
    'One pass: wake, remember, plan, execute, measure, memorize, report, sleep. The briefing goes to stdout, progress to stderr. ' +
    'When the genie needs a decision, it is asked for on a terminal; elsewhere the run waits, durable, and ends with exit code 3. ' +
    'Ctrl-C leaves a run that can be resumed; a second Ctrl-C ends the process at once.',
  flags: {
    ask: { type: 'boolean', help: 'ask for decisions here; --no-ask lets the run wait (default: ask on a terminal)' },
    force: { type: 'boolean', help: 'run even when the wake gate finds nothing new' },
    note: { type: 'text', value: 'TEXT', help: 'why you wake it, kept with the run' },
    sandbox: {
      type: 'text',
      value: 'KIND',
      choices: ['docker'],
      help: 'run in a container that is started again when it is killed',
    },
    image: { type: 'text', value: 'TAG', help: 'the image of the container (default genie:latest)' },
    'exit-code': { type: 'boolean', help: 'end with 4 when there is nothing new' },
    ...modelFlags,
  },
  examples: [
    ['genie run', 'wake the only genie there is'],
    ['genie run news > briefing.md', 'keep the briefing, see the progress'],
    ['genie run news --json | tail -1 | jq .status', 'the outcome is the last JSON line'],
  ],
  stopsByItself: true,
  maxPositionals: 1,
  async run(context) {
    const { flags, terminal, environment, signal } = context;
    const found = findHome(context);
    if (flags.text('sandbox') === 'docker') {
      const { runInDocker } = await import('../lib/running/run-in-docker.ts');
      return runInDocker({ context, found, image: flags.text('image') ?? 'genie:latest' });
    }
    const [{ openGenie }, { conductRun }, { reportOutcome }, { hasNews, tellReview }] = await Promise.all([
      import('../compose.ts'),
      import('../lib/running/conduct-run.ts'),
      import('../lib/running/report-outcome.ts'),
      import('../lib/metrics/tell-review.ts'),
    ]);
    const open = await openGenie({
      home: found.home,
      environment,
      models: modelsFrom(flags),
      store: flags.text('store'),
      notifier: createTerminalNotifier(() => undefined),
      onWarning: tellWarning(terminal),
      signal,
      wakesAlways: flags.on('force'),
    });
    try {
      const note = flags.text('note');
      const outcome = await conductRun({
        context,
        open,
        ask: flags.choice('ask') ?? terminal.isInteractive,
        start: () => open.genie.run({ kind: 'manual', ...(note ? { note } : {}) }, { signal }),
      });
      const words = homeWords(context, found);
      const review = await open.review.report();
      // The outcome stays the last JSON line.
      if (hasNews(review)) terminal.printJson({ type: 'review', ...review });
      const code = reportOutcome(terminal, outcome, words);
      tellReview(terminal, review, words);
      return outcome.status === 'skipped' && flags.on('exit-code') ? exitCodes.nothingNew : code;
    } finally {
      await open.close();
    }
  },
};
