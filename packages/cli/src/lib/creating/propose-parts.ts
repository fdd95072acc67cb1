import { estimateCost, type Proposal } from '@genie/core';
import { readGenieFile, writeGenieFile } from '@genie/core/home';
import { parseSchedule } from '@genie/core/schedule';
import { type OpenGenie, openGenie } from '../../compose.ts';
import { proposalLines } from '../../print/proposal.ts';
import type { CommandContext } from '../cli/command.ts';
import type { NamedHome } from '../homes/list-homes.ts';
import { tellWarning } from '../running/tell-warning.ts';
import { type AppliedProposal, applyProposal, type PartName } from './apply-proposal.ts';
import { decideProposal } from './decide-proposal.ts';
import type { Wishes } from './gather-wishes.ts';

/** Lets the planning model propose, shows it, takes the decisions, and puts what was accepted into the home. */
export async function proposeParts(
  context: CommandContext,
  placed: NamedHome,
  wishes: Wishes,
): Promise<AppliedProposal> {
  const { environment, flags, signal, terminal } = context;
  const open = await openGenie({
    home: placed.home,
    environment,
    models: wishes.models,
    store: flags.text('store'),
    onWarning: tellWarning(terminal),
    signal,
  });
  try {
    const proposal = await open.genie.propose({ signal });
    const proposedModels = open.models.references;
    writeGenieFile(placed.home, { ...readGenieFile(placed.home), proposedModels });
    const shown = adjust(proposal, wishes, open);
    const modelsWhy = open.models.why;
    for (const line of proposalLines(shown, { style: terminal.style, now: Date.now(), modelsWhy }))
      terminal.print(line);
    await decide(context, open, { proposal, shown, wishes, refused: flags.texts('refuse') as readonly PartName[] });
    const applied = await applyProposal(placed.home, open.store);
    terminal.printJson({
      name: placed.name,
      home: placed.home,
      id: open.file.id,
      proposal: shown,
      modelsWhy,
      ...applied,
    });
    for (const part of applied.refused) terminal.print(`  ${terminal.style.red('✗')} ${part} refused`);
    return applied;
  } finally {
    await open.close();
  }
}

function decide(
  { terminal, flags }: CommandContext,
  open: OpenGenie,
  {
    proposal,
    shown,
    wishes,
    refused,
  }: {
    readonly proposal: Proposal;
    readonly shown: Proposal;
    readonly wishes: Wishes;
    readonly refused: readonly PartName[];
  },
): Promise<void> {
  const decided: PartName[] = [];
  if (wishes.cron !== undefined) decided.push('schedule');
  if (wishes.models.planning !== undefined && wishes.models.execution !== undefined) decided.push('models');
  return decideProposal({
    terminal,
    approvals: open.approvals,
    proposal,
    shown,
    decided,
    refused,
    acceptsAll: flags.on('yes'),
  });
}

/** What flags and this machine know better than the model: the schedule, the user's time zone, the references of the models. */
function adjust(proposal: Proposal, wishes: Wishes, { models }: OpenGenie): Proposal {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const timezone = wishes.timezone ?? (proposal.schedule.timezone === 'UTC' ? here : proposal.schedule.timezone);
  const schedule = { ...proposal.schedule, cron: wishes.cron ?? proposal.schedule.cron, timezone };
  const now = Date.now();
  const { inputTokensPerRun, outputTokensPerRun } = proposal.cost;
  const cost = estimateCost({
    wakesPerMonth: parseSchedule(schedule).between(now, now + 30 * 24 * 60 * 60 * 1000, 50_000).length,
    inputTokensPerRun,
    outputTokensPerRun,
    price: models.prices.execution,
  });
  return { ...proposal, models: models.references, schedule, cost };
}
