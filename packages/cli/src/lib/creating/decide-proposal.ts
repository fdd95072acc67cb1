import type { Proposal, ProposalParts } from '@genie/core';
import { describeThrown } from '@genie/core/errors';
import type { Approvals, Decision, JsonObject, JsonValue } from '@genie/core/ports';
import { parseSchedule } from '@genie/core/schedule';
import { createPrompter, type Prompter } from '../running/prompt-user.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { PartName } from './apply-proposal.ts';

export interface DecideOptions {
  readonly terminal: Terminal;
  readonly approvals: Approvals;
  readonly proposal: Proposal;
  /** The proposal as it is shown: with what flags and this machine change of it. */
  readonly shown: Proposal;
  /** Parts that flags decided: they are accepted as shown. */
  readonly decided: readonly PartName[];
  readonly refused: readonly PartName[];
  /** `--yes`. */
  readonly acceptsAll: boolean;
}

export const partNames: readonly PartName[] = ['container', 'schedule', 'models', 'tools', 'domains', 'kpis'];

/** Takes the user's decision on each part: by flags, by `--yes`, or by asking. Without any of them a part stays pending. */
export async function decideProposal(options: DecideOptions): Promise<void> {
  const { terminal, approvals, proposal, acceptsAll } = options;
  const prompter = terminal.isInteractive && !acceptsAll ? await createPrompter(terminal) : undefined;
  const takesAll = acceptsAll || ((await prompter?.confirm('Accept the plan as it is?', true)) ?? false);
  for (const part of partNames) {
    const decision =
      decideByFlags(part, options, takesAll) ?? (prompter ? await askForPart(prompter, options, part) : undefined);
    if (decision) await approvals.decide(proposal.approvalIds[part], decision);
  }
}

function decideByFlags(part: PartName, options: DecideOptions, takesAll: boolean): Decision | undefined {
  if (options.refused.includes(part)) return { verdict: 'deny', by: 'cli' };
  return takesAll || options.decided.includes(part) ? acceptAsShown(part, options, 'cli') : undefined;
}

function acceptAsShown(part: PartName, { proposal, shown }: DecideOptions, by: string): Decision {
  const value = shown[part] as unknown as JsonValue;
  const isChanged = JSON.stringify(value) !== JSON.stringify(proposal[part]);
  return { verdict: 'allow-once', by, ...(isChanged ? { edited: { value } } : {}) };
}

async function askForPart(prompter: Prompter, options: DecideOptions, part: PartName): Promise<Decision> {
  const { shown } = options;
  const value = JSON.stringify(shown[part]);
  const answer = await prompter.select<'accept' | 'edit' | 'refuse'>(
    `${part}: ${value.length > 160 ? `${value.slice(0, 159)}…` : value}`,
    [
      { value: 'accept', label: 'Accept' },
      { value: 'edit', label: 'Edit' },
      { value: 'refuse', label: 'Refuse', hint: refusalMeaning[part] },
    ],
  );
  if (answer === 'refuse') return { verdict: 'deny', by: 'user' };
  if (answer === 'accept') return acceptAsShown(part, options, 'user');
  return { verdict: 'allow-once', by: 'user', edited: await editPart(prompter, shown, part) };
}

const refusalMeaning: Readonly<Record<PartName, string>> = {
  container: 'the defaults of the machine',
  schedule: 'it wakes only when you wake it',
  models: 'the first usable model is taken at each run',
  tools: 'every tool it has may be used',
  domains: 'each host is asked for when it is needed',
  kpis: 'the standard KPIs are used',
};

async function editPart(prompter: Prompter, proposal: Proposal, part: PartName): Promise<JsonObject> {
  if (part === 'schedule') return { value: await editSchedule(prompter, proposal.schedule) };
  if (part === 'tools' || part === 'domains') {
    const text = await prompter.text(`${part}, separated by commas`, { initial: proposal[part].join(', ') });
    return {
      value: text
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
    };
  }
  const text = await prompter.text(`${part} as JSON`, {
    initial: JSON.stringify(proposal[part]),
    check: (typed) => problemOf(() => JSON.parse(typed)),
  });
  return { value: JSON.parse(text) as JsonValue };
}

async function editSchedule(prompter: Prompter, schedule: ProposalParts['schedule']): Promise<JsonObject> {
  const timezone = await prompter.text('Time zone (IANA)', {
    initial: schedule.timezone,
    check: (typed) => problemOf(() => parseSchedule({ cron: schedule.cron, timezone: typed })),
  });
  const cron = await prompter.text('Cron (minute hour day month weekday)', {
    initial: schedule.cron,
    check: (typed) => problemOf(() => parseSchedule({ cron: typed, timezone })),
  });
  return { cron, timezone, misfire: schedule.misfire };
}

function problemOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return describeThrown(error);
  }
}
