import type { Approval, Approvals, Verdict } from '@genie/core/ports';
import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { type FoundHome, findHome } from '../lib/homes/find-home.ts';
import { homeWords } from '../lib/running/home-words.ts';
import { modelFlags, modelsFrom } from '../lib/running/model-flags.ts';
import { tellWarning } from '../lib/running/tell-warning.ts';
import { createTerminalNotifier } from '../lib/running/terminal-notifier.ts';

const verdicts = ['allow-once', 'allow-for-run', 'allow-always', 'deny', 'deny-always'] as const;

/** `allow-for-run` is a permission for one request and a grant that ends with its run. */
type Choice = Verdict | 'allow-for-run';

export const command: Command = {
  name: 'approve',
  summary: 'see and decide what genies ask',
  usage: 'approve [NAME] [ID…] [--allow-once | --allow-for-run | --allow-always | --deny | --deny-always] [--resume]',
  description:
    'Without a verdict it lists what waits for you, with exactly what would happen; on a terminal it asks. With a verdict it decides ' +
    'the named approvals, or --all of them. A decision counts at once, also for a genie that runs in another process.',
  flags: {
    'allow-once': { type: 'boolean', help: 'this exact action, this time' },
    'allow-for-run': { type: 'boolean', help: 'until the run ends, what the approval covers (hosts only)' },
    'allow-always': { type: 'boolean', help: 'from now on, what the approval covers' },
    deny: { type: 'boolean', help: 'not this time' },
    'deny-always': { type: 'boolean', help: 'never, and do not ask again' },
    all: { type: 'boolean', help: 'decide every pending approval' },
    note: { type: 'text', value: 'TEXT', help: 'kept with the decision' },
    list: { type: 'boolean', help: 'only list, ask nothing' },
    resume: { type: 'boolean', help: 'then go on with the runs that waited' },
    ...modelFlags,
  },
  examples: [
    ['genie approve', 'see what waits, and decide'],
    ['genie approve apr_01h… --allow-always --resume', 'allow it and go on with the run'],
    ['genie approve news --all --deny', 'say no to everything'],
  ],
  stopsByItself: true,
  async run(context) {
    const found = findHome(context, { nameIsOptional: true });
    const [{ withStore }, { storeChoice }] = await Promise.all([
      import('../lib/compose/open-store.ts'),
      import('../lib/compose/store-reference.ts'),
    ]);
    return withStore(found.home, storeChoice(context), async (store) => {
      const { approvals } = store;
      const verdict = verdictFrom(context);
      const rows = await chooseRows(approvals, found, context);
      if (verdict) await decideAll(context, approvals, rows, verdict);
      else await showAndAsk(context, found, approvals, rows);
      const { applyProposal } = await import('../lib/creating/apply-proposal.ts');
      await applyProposal(found.home, store);
      if (context.flags.on('resume')) return await goOn(context, found);
      const left = await approvals.list({ status: 'pending' });
      return left.length > 0 && !verdict ? exitCodes.waiting : exitCodes.ok;
    });
  },
};

function verdictFrom({ flags }: CommandContext): Choice | undefined {
  const given = verdicts.filter((verdict) => flags.on(verdict));
  if (given.length > 1) throw usageError(`--${given.join(' and --')} contradict each other: give one verdict.`);
  return given[0];
}

async function chooseRows(
  approvals: Approvals,
  { rest }: FoundHome,
  { flags }: CommandContext,
): Promise<readonly Approval[]> {
  const pending = await approvals.list({ status: 'pending' });
  if (rest.length > 0) {
    const rows = await Promise.all(rest.map(async (id) => ({ id, row: await approvals.get(id) })));
    return rows.map(({ id, row }) => {
      if (!row)
        throw usageError(
          `There is no approval "${id}".${pending.length > 0 ? ` Pending: ${pending.map((one) => one.id).join(', ')}.` : ' Nothing is pending.'}`,
        );
      return row;
    });
  }
  const needsChoice = verdictFrom({ flags } as CommandContext) !== undefined && !flags.on('all') && pending.length > 1;
  if (needsChoice)
    throw usageError(
      `${pending.length} approvals are pending: ${pending.map(({ id }) => id).join(', ')}. Name them, or use --all.`,
    );
  return pending;
}

async function decideAll(
  { flags, terminal }: CommandContext,
  approvals: Approvals,
  rows: readonly Approval[],
  verdict: Choice,
): Promise<void> {
  const note = flags.text('note');
  const decision = { by: 'cli', ...(note ? { note } : {}) };
  const decided: Approval[] = [];
  for (const { id } of rows) {
    if (verdict === 'allow-for-run') {
      const { allowForRun } = await import('@genie/egress');
      decided.push(await allowForRun(approvals, id, decision));
    } else decided.push(await approvals.decide(id, { verdict, ...decision }));
  }
  terminal.printJson({ decided });
  const { plainLine } = await import('../print/style.ts');
  for (const row of decided)
    terminal.print(
      `${verdict.startsWith('allow') ? terminal.style.green('✓') : terminal.style.red('✗')} ${plainLine(row.title)} ${terminal.style.dim(`${verdict} · ${row.id}`)}`,
    );
  if (decided.length === 0) terminal.print('Nothing waits for you.');
}

async function showAndAsk(
  context: CommandContext,
  found: FoundHome,
  approvals: Approvals,
  rows: readonly Approval[],
): Promise<void> {
  const { terminal, flags } = context;
  terminal.printJson({ approvals: rows });
  if (rows.length === 0) {
    terminal.print('Nothing waits for you.');
    return;
  }
  if (terminal.isInteractive && !flags.on('list')) {
    const { askDecisions } = await import('../lib/running/ask-decisions.ts');
    await askDecisions(
      terminal,
      approvals,
      rows.map(({ id }) => id),
    );
    return;
  }
  const { approvalLines } = await import('../print/approval.ts');
  for (const row of rows) {
    for (const line of approvalLines(row, { style: terminal.style, now: Date.now() })) terminal.print(line);
    terminal.print();
  }
  terminal.print(
    `Decide: genie approve ${homeWords(context, found)} ID --allow-once | --allow-for-run | --allow-always | --deny | --deny-always [--resume]`,
  );
}

/** Resumes the runs whose decisions are all there. */
async function goOn(context: CommandContext, found: FoundHome): Promise<ExitCode> {
  const [{ inspectHome }, { storeChoice }] = await Promise.all([
    import('../lib/homes/inspect-home.ts'),
    import('../lib/compose/store-reference.ts'),
  ]);
  const { holder, runs } = await inspectHome(found, storeChoice(context));
  if (holder) {
    context.terminal.note(
      `Process ${holder.pid} on ${holder.host} has this genie now. "genie watch" goes on by itself; after anything else: genie resume ${homeWords(context, found)}`,
    );
    return exitCodes.ok;
  }
  const ready = runs.filter(({ status }) => status === 'ready').map(({ runId }) => runId);
  if (ready.length === 0) {
    context.terminal.print('No run is ready to go on.');
    return exitCodes.ok;
  }
  const [{ openGenie }, { resumeRuns }] = await Promise.all([
    import('../compose.ts'),
    import('../lib/running/resume-runs.ts'),
  ]);
  const open = await openGenie({
    home: found.home,
    environment: context.environment,
    models: modelsFrom(context.flags),
    store: context.flags.text('store'),
    notifier: createTerminalNotifier(() => undefined),
    onWarning: tellWarning(context.terminal),
    signal: context.signal,
  });
  try {
    return await resumeRuns(context, open, { runIds: ready, words: homeWords(context, found), ask: false });
  } finally {
    await open.close();
  }
}
