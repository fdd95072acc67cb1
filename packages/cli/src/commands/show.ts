import { GenieError } from '@genie/core/errors';
import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { didYouMean } from '../lib/cli/suggest.ts';
import type { GenieStore } from '../lib/compose/genie-store.ts';
import { findHome } from '../lib/homes/find-home.ts';
import type { InspectedHome } from '../lib/homes/inspect-home.ts';

export const command: Command = {
  name: 'show',
  summary: 'show a genie, or one run with its records',
  usage: 'show [NAME] [RUN | last] [options]',
  description: 'Reads the home without owning it, so it also works while the genie runs in another process.',
  flags: {
    runs: { type: 'number', value: 'N', help: 'how many runs to list (default 10)' },
    records: { type: 'boolean', help: 'with a run: print its journal records whole' },
  },
  examples: [
    ['genie show', 'goal, schedule, models, permissions and the last runs'],
    ['genie show news last', 'the briefing of the last run and what it did'],
    ['genie show news last --records --json', 'its journal records'],
  ],
  maxPositionals: 2,
  async run(context) {
    const found = findHome(context, { nameIsOptional: true });
    const [{ inspectStore }, { withStore }, { storeChoice }] = await Promise.all([
      import('../lib/homes/inspect-home.ts'),
      import('../lib/compose/open-store.ts'),
      import('../lib/compose/store-reference.ts'),
    ]);
    return withStore(found.home, storeChoice(context), async (store, file) => {
      const inspected = await inspectStore({ name: found.name, home: found.home }, { store, file });
      const [wanted] = found.rest;
      return wanted === undefined ? showGenie(context, inspected) : showRun(context, { ...inspected, store }, wanted);
    });
  },
};

async function showGenie({ terminal, flags }: CommandContext, inspected: InspectedHome): Promise<ExitCode> {
  const { genieLines } = await import('../print/genie.ts');
  const { runs, ...genie } = inspected;
  const shown = runs.slice(-(flags.positive('runs') ?? 10));
  terminal.printJson({ ...genie, runs: shown });
  for (const line of genieLines(
    { ...inspected, runs: shown },
    { style: terminal.style, width: terminal.width, now: Date.now() },
  ))
    terminal.print(line);
  return exitCodes.ok;
}

async function showRun(
  { terminal, flags }: CommandContext,
  { runs, home, store }: InspectedHome & { readonly store: GenieStore },
  wanted: string,
): Promise<ExitCode> {
  const run = wanted === 'last' ? runs.at(-1) : runs.find(({ runId }) => runId === wanted);
  if (!run) {
    const ids = runs.map(({ runId }) => runId);
    const hint = ids.length === 0 ? ' It never ran.' : `${didYouMean(wanted, ids)} The last one is ${ids.at(-1)}.`;
    throw new GenieError('GENIE_RUN_UNKNOWN', `There is no run "${wanted}" in ${home}.${hint}`);
  }
  const { runLines } = await import('../print/run.ts');
  const records = await store.records(run.runId);
  terminal.printJson({ ...run, records });
  const options = { style: terminal.style, width: terminal.width, whole: flags.on('records') };
  for (const line of runLines(run, records, options)) terminal.print(line);
  return exitCodes.ok;
}
