import type { ProposalParts } from '@genie/core';
import { type GenieFile, readGenieFile, writeGenieFile } from '@genie/core/home';
import type { Approval, JsonValue } from '@genie/core/ports';
import { parseSchedule } from '@genie/core/schedule';
import type { GenieStore } from '../compose/genie-store.ts';
import { domainEntries } from './domain-entries.ts';

export type PartName = keyof ProposalParts;

export interface AppliedProposal {
  readonly accepted: readonly PartName[];
  readonly refused: readonly PartName[];
  readonly pending: readonly PartName[];
}

/** What a proposal is decided in, and where its KPIs go. */
export type ProposalStore = Pick<GenieStore, 'approvals' | 'openMetrics'>;

interface AcceptedPart {
  readonly home: string;
  readonly store: ProposalStore;
  readonly part: PartName;
  readonly row: Approval;
}

/**
 * Puts the accepted parts of a proposal into the home: each approval is used once, and what a user edited counts. Safe to
 * call again, also after a crash: what was used up is in `genie.json`. KPIs go to the metrics.
 */
export async function applyProposal(home: string, store: ProposalStore): Promise<AppliedProposal> {
  const { approvals } = store;
  const accepted: PartName[] = [];
  const refused: PartName[] = [];
  const pending: PartName[] = [];
  for (const row of await approvals.list()) {
    if (!row.action.subject.startsWith('proposal:')) continue;
    const part = row.action.payload.part as PartName;
    if (row.status === 'pending') pending.push(part);
    else if (row.status === 'denied') refused.push(part);
    else if (row.status === 'used') accepted.push(part);
    else if (row.status === 'allowed') {
      await applyPart({ home, store, part, row });
      if (await approvals.consume(row.id, row.action)) accepted.push(part);
    }
  }
  return { accepted, refused, pending };
}

/** Applied before the approval is used up: applying it twice changes nothing, losing it would. */
async function applyPart({ home, store, part, row }: AcceptedPart): Promise<void> {
  const file = readGenieFile(home);
  // The payload shows the models' own names; the references that resolve to them were put aside when the plan was made.
  const proposed =
    part === 'models'
      ? ((file.proposedModels as JsonValue | undefined) ?? row.action.payload.value)
      : row.action.payload.value;
  const value = row.decision?.edited?.value ?? proposed;
  if (part === 'kpis') return defineKpis(store, value);
  writeGenieFile(home, withPart(file, part, value));
}

function withPart(file: GenieFile, part: Exclude<PartName, 'kpis'>, value: JsonValue | undefined): GenieFile {
  switch (part) {
    case 'container':
    case 'tools':
      return { ...file, [part]: value };
    case 'schedule': {
      const schedule = value as unknown as ProposalParts['schedule'];
      parseSchedule(schedule);
      return { ...file, schedule };
    }
    case 'models':
      return { ...file, models: value as unknown as NonNullable<GenieFile['models']> };
    case 'domains': {
      const before = file.egress?.allow ?? [];
      const allow = [...new Set([...before, ...domainEntries(value as readonly string[], file.sources ?? [])])];
      return { ...file, egress: { ...file.egress, allow } };
    }
    default:
      return part satisfies never;
  }
}

async function defineKpis(store: ProposalStore, value: JsonValue | undefined): Promise<void> {
  const metrics = await store.openMetrics();
  try {
    await metrics.define(value as unknown as ProposalParts['kpis']);
  } finally {
    await metrics.close();
  }
}
