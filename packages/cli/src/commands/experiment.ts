import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { findHome } from '../lib/homes/find-home.ts';
import { homeWords } from '../lib/running/home-words.ts';

export const command: Command = {
  name: 'experiment',
  summary: 'try a proposed change in a copy before it is adopted',
  usage: 'experiment [NAME] [PROPOSAL] [options]',
  description:
    'Copies the home twice, changes one copy, replays recorded runs on both in processes of their own, compares the KPIs and recommends ' +
    'adopt, adapt or roll back. The home itself is only read. PROPOSAL is the approval that asks for the change; without it, the only one ' +
    'that is open. Adopting is a decision of its own: genie approve.',
  flags: {
    change: {
      type: 'text',
      value: 'JSON',
      help: 'a change of your own instead of a proposal, e.g. {"type":"sources","remove":["…"]}',
    },
    cases: {
      type: 'number',
      value: 'N',
      help: 'how many of the latest runs to replay (default 5; fewer than 3 prove nothing)',
    },
    usd: { type: 'number', value: 'USD', help: 'most that live model calls may cost' },
    tokens: { type: 'number', value: 'N', help: 'most tokens of live model calls' },
    minutes: { type: 'number', value: 'N', help: 'longest time for all replays (default 30)' },
    list: { type: 'boolean', help: 'list the experiments of this genie, with what happened to their copies' },
    'roll-back': { type: 'text', value: 'EXPERIMENT', help: 'drop an experiment, or take back what it changed' },
    sweep: { type: 'boolean', help: 'remove copies older than 30 days; records and reports stay' },
  },
  examples: [
    ['genie experiment news', 'try the only change that is proposed'],
    ['genie experiment news apr_01h… --cases 10', 'with the ten latest runs'],
    ['genie experiment news --list', 'what was tried, and what came of it'],
    ['genie experiment news --roll-back experiment_01h…', 'undo it'],
  ],
  stopsByItself: true,
  maxPositionals: 2,
  async run(context) {
    const found = findHome(context, { nameIsOptional: true });
    const [{ openHomeMetrics }, { openHomeExperiments }, { storeChoice }, work, views] = await Promise.all([
      import('../lib/metrics/open-home-metrics.ts'),
      import('../lib/metrics/experiments-folder.ts'),
      import('../lib/compose/store-reference.ts'),
      import('../lib/metrics/try-change.ts'),
      import('../print/experiments.ts'),
    ]);
    const open = await openHomeMetrics(found.home, storeChoice(context));
    const { metrics, approvals, file } = open;
    const experiments = openHomeExperiments({
      home: found.home,
      genieId: file.id,
      changes: metrics.changes,
      approvals,
    });
    const { flags, terminal } = context;
    try {
      await experiments.recover();
      if (flags.on('list')) await views.showExperiments(experiments, terminal);
      else if (flags.on('sweep')) views.showSwept(await experiments.sweep(), terminal);
      else if (flags.text('roll-back') !== undefined) {
        const id = flags.text('roll-back') ?? '';
        views.showRolledBack(await experiments.rollBack(id, { reason: 'the user took it back', by: 'cli' }), terminal);
      } else {
        const proposal = await work.chooseProposal({ context, open, named: found.rest[0] });
        const report = await work.tryChange({ context, home: found.home, open, experiments, proposal });
        views.showReport(report, { proposal, words: homeWords(context, found) }, terminal);
      }
      return exitCodes.ok;
    } finally {
      await experiments.close();
      await open.close();
    }
  },
};
