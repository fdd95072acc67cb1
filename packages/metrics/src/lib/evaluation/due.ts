import type { KpiDefinition } from '@genie/core/ports';
import type { Deps } from '../deps.ts';
import type { RunOutcomeReport } from '../outcome.ts';
import type { Evaluation } from './evaluation.ts';
import { currentStatuses } from './statuses.ts';

export interface DuePolicy {
  readonly everyMs: number;
  readonly everyRuns: number;
  readonly onBreach: boolean;
}

/** Runs that a first review needs before a missed KPI calls for it. */
const minimumRuns = 3;

/** Why a self-evaluation is due: a KPI fell to `missed` since the last one, enough runs, or enough time. Never without runs. */
export async function whyDue(
  deps: Deps,
  definitions: readonly KpiDefinition[],
  policy: DuePolicy,
): Promise<'interval' | 'runs' | 'breach' | undefined> {
  const [row] = await deps.store.records('evaluation', { limit: 1 });
  const last = row?.body as unknown as Evaluation | undefined;
  const outcomes = await deps.store.records('outcome', {
    from: last === undefined ? 0 : last.at + 1,
    limit: policy.everyRuns,
  });
  const first = outcomes[0];
  if (first === undefined) return undefined;
  // Before the first review one bad run is no breach yet.
  const maySay = last !== undefined || outcomes.length >= minimumRuns;
  if (policy.onBreach && maySay && (await hasBreach(deps, definitions, last))) return 'breach';
  if (outcomes.length >= policy.everyRuns) return 'runs';
  const since = last?.at ?? (first.body as unknown as RunOutcomeReport & { readonly at?: number }).at ?? first.at;
  return deps.clock.now() - since >= policy.everyMs ? 'interval' : undefined;
}

async function hasBreach(
  deps: Deps,
  definitions: readonly KpiDefinition[],
  last: Evaluation | undefined,
): Promise<boolean> {
  const statuses = await currentStatuses(deps, definitions, deps.clock.now());
  return Object.entries(statuses).some(([id, status]) => status === 'missed' && last?.statuses[id] !== 'missed');
}
