import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { placeHome } from '../lib/homes/find-home.ts';
import type { NamedHome } from '../lib/homes/list-homes.ts';
import { homeWords } from '../lib/running/home-words.ts';
import { modelFlags } from '../lib/running/model-flags.ts';

export const command: Command = {
  name: 'new',
  summary: 'make a genie: analyse a goal, approve the plan',
  usage: 'new [NAME] [--goal TEXT] [--source PATH_OR_URL]… [options]',
  description:
    'The planning model analyses the goal and proposes container, schedule, models, tools, domains and KPIs, with an estimated cost. ' +
    'Each part is yours to accept, edit or refuse. Without a terminal and without --yes the parts wait for: genie approve.',
  flags: {
    goal: { type: 'text', value: 'TEXT', help: 'what it should pursue, in your words' },
    name: { type: 'text', value: 'NAME', help: 'its name; default: from the goal' },
    source: {
      type: 'text',
      value: 'PATH_OR_URL',
      repeatable: true,
      help: 'where it looks: checkout, folder, feed, page; feed:URL or web:URL decide',
    },
    ...modelFlags,
    'base-url': { type: 'text', value: 'URL', help: "prefix of the model's endpoints, for openai-compatible/<id>" },
    cron: { type: 'text', value: 'CRON', help: 'when it wakes: minute hour day month weekday' },
    timezone: { type: 'text', value: 'ZONE', help: 'IANA time zone of the schedule, e.g. Europe/Berlin' },
    allow: { type: 'text', value: 'HOST', repeatable: true, help: 'a host it may reach without asking' },
    'budget-usd': { type: 'number', value: 'USD', help: 'most a run may cost; needs --price' },
    'budget-tokens': { type: 'number', value: 'N', help: 'most tokens of a run' },
    'budget-steps': { type: 'number', value: 'N', help: 'most model calls of a run (default 100)' },
    price: { type: 'text', value: 'IN/OUT', help: 'USD for a million tokens in and out, e.g. 3/15' },
    toolbox: {
      type: 'text',
      value: 'PART',
      repeatable: true,
      help: 'what it may act with: commands in a sandbox, files of its workspace, SQL over data files',
      choices: ['shell', 'files', 'data'],
    },
    instructions: { type: 'text', value: 'TEXT', help: 'standing instructions beside the goal' },
    refuse: {
      type: 'text',
      value: 'PART',
      repeatable: true,
      help: 'refuse a part of the plan',
      choices: ['container', 'schedule', 'models', 'tools', 'domains', 'kpis'],
    },
    yes: { type: 'boolean', short: 'y', help: 'accept every part of the plan that is not refused' },
  },
  examples: [
    ['genie new', 'answer a few questions'],
    [
      'genie new --goal "Brief me on what changed in this repository and who should care" --source . --yes',
      'brief on a checkout',
    ],
    [
      'genie new news --goal "Watch this feed for releases" --source https://example.com/feed.xml --cron "0 7 * * 1-5"',
      'watch a feed on weekdays',
    ],
  ],
  stopsByItself: true,
  maxPositionals: 1,
  async run(context) {
    const [{ gatherWishes }, { createHome }] = await Promise.all([
      import('../lib/creating/gather-wishes.ts'),
      import('../lib/creating/create-home.ts'),
    ]);
    const wishes = await gatherWishes(context);
    const placed = placeHome(context, wishes.name);
    createHome(placed.home, wishes);
    try {
      const { proposeParts } = await import('../lib/creating/propose-parts.ts');
      const applied = await proposeParts(context, placed, wishes);
      return report(context, placed, applied.pending);
    } catch (error) {
      // A genie that could not be planned leaves nothing behind, so that the same command can be tried again.
      const [{ rmSync }, { removeKept }, { storeChoice }] = await Promise.all([
        import('node:fs'),
        import('../lib/homes/remove-kept.ts'),
        import('../lib/compose/store-reference.ts'),
      ]);
      await removeKept(placed.home, storeChoice(context)).catch(() => undefined);
      rmSync(placed.home, { recursive: true, force: true });
      throw error;
    }
  },
};

function report(context: CommandContext, placed: NamedHome, pending: readonly string[]): ExitCode {
  const { terminal } = context;
  const words = homeWords(context, placed);
  terminal.print();
  terminal.print(`${terminal.style.green('Made')} ${terminal.style.bold(placed.name)} in ${placed.home}`);
  if (pending.length === 0) {
    terminal.print(`  Wake it now:     genie run ${words}`);
    terminal.print(`  By its schedule: genie watch ${words}`);
    return exitCodes.ok;
  }
  terminal.print(
    `  ${terminal.style.yellow('Waits for you:')} ${pending.join(', ')}. Decide with: genie approve ${words}`,
  );
  return exitCodes.waiting;
}
