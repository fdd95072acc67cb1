import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { type FoundHome, findHome } from '../lib/homes/find-home.ts';
import { homesFolder } from '../lib/homes/homes-folder.ts';
import { listHomes } from '../lib/homes/list-homes.ts';
import { homeWords } from '../lib/running/home-words.ts';

const actions = ['report', 'evaluate', 'changes', 'undo'] as const;
type Action = (typeof actions)[number];

export const command: Command = {
  name: 'metrics',
  summary: 'show the KPIs of a genie, review it, undo a change',
  usage: 'metrics [report | evaluate | changes | undo CHANGE] [NAME] [options]',
  description:
    'Values come from probes, never from what a run says of itself. "no data" is never shown as a zero. "report" writes one HTML file ' +
    'with charts, "evaluate" reviews the genie now and asks for what would help, "changes" lists what was adopted with the KPIs before ' +
    'and after, "undo" takes one of them back.',
  flags: {
    days: { type: 'number', value: 'N', help: 'how far to look back (default 30, for a report 90)' },
    observations: { type: 'text', value: 'KPI', help: 'the raw observations of one KPI, with their evidence' },
    to: { type: 'text', value: 'FILE', help: 'where the report goes (default: artifacts/metrics.html in the home)' },
  },
  examples: [
    ['genie metrics', 'every KPI with its trend, the outcomes and what it cost'],
    ['genie metrics news --observations items-cited --json', 'what was seen, when and where'],
    ['genie metrics report news --to news.html', 'one file with charts, readable on a phone'],
    ['genie metrics evaluate news', 'what goes well, what does not, and what would help'],
    ['genie metrics undo change_01h… news', 'takes an adopted change back, at once'],
  ],
  maxPositionals: 3,
  async run(context) {
    const { action, change, found } = readWords(context);
    const [{ openHomeMetrics }, { storeChoice }, views] = await Promise.all([
      import('../lib/metrics/open-home-metrics.ts'),
      import('../lib/compose/store-reference.ts'),
      import('../print/metrics.ts'),
    ]);
    const open = await openHomeMetrics(found.home, storeChoice(context));
    const { metrics } = open;
    const { flags, terminal } = context;
    try {
      switch (action) {
        case undefined: {
          const kpiId = flags.text('observations');
          if (kpiId === undefined) await views.showDashboard(metrics, { days: flags.positive('days') ?? 30 }, terminal);
          else await views.showObservations(metrics, kpiId, terminal);
          return exitCodes.ok;
        }
        case 'report':
          return await writeReport(context, found, open);
        case 'evaluate':
          return await evaluate(context, found, open);
        case 'changes': {
          const { changes } = await metrics.dashboard({ days: flags.positive('days') ?? 90 });
          views.showChanges(changes, terminal);
          return exitCodes.ok;
        }
        case 'undo': {
          const undone = await metrics.changes.undo(change ?? '', { reason: 'the user took it back', by: 'cli' });
          terminal.printJson({ undone });
          terminal.print(`${terminal.style.green('✓')} Undone: ${undone.title}`);
          return exitCodes.ok;
        }
        default:
          return action satisfies never;
      }
    } finally {
      await open.close();
    }
  },
};

interface Words {
  readonly action: Action | undefined;
  readonly change: string | undefined;
  readonly found: FoundHome;
}

/** `[ACTION [CHANGE]] [NAME]`. A genie may have the name of an action: alone, the word means the genie. */
function readWords(context: CommandContext): Words {
  const [first, ...others] = context.positionals;
  const isName = others.length === 0 && listHomes(homesFolder(context.environment)).some(({ name }) => name === first);
  const action = isName ? undefined : actions.find((one) => one === first);
  if (action === undefined) return { action, change: undefined, found: findHome(context) };
  if (action !== 'undo') return { action, change: undefined, found: findHome({ ...context, positionals: others }) };
  const [change, ...rest] = others;
  if (change === undefined) throw usageError('genie metrics undo needs the change. List them: genie metrics changes');
  return { action, change, found: findHome({ ...context, positionals: rest }) };
}

type Open = import('../lib/metrics/open-home-metrics.ts').HomeMetrics;

async function writeReport(
  { flags, terminal, workingFolder }: CommandContext,
  found: FoundHome,
  open: Open,
): Promise<ExitCode> {
  const { writeHtmlReport } = await import('../lib/metrics/write-report.ts');
  const file = await writeHtmlReport({
    home: found.home,
    name: found.name,
    open,
    days: flags.positive('days') ?? 90,
    to: flags.text('to'),
    workingFolder,
  });
  terminal.printJson({ report: file });
  terminal.print(file);
  return exitCodes.ok;
}

async function evaluate(context: CommandContext, found: FoundHome, open: Open): Promise<ExitCode> {
  const [{ tellEvaluation }] = await Promise.all([import('../print/metrics.ts')]);
  const evaluation = await open.metrics.evaluate({ reason: 'requested', signal: context.signal });
  context.terminal.printJson(evaluation);
  tellEvaluation(evaluation, context.terminal, homeWords(context, found));
  return evaluation.adjustments.length > 0 ? exitCodes.waiting : exitCodes.ok;
}
