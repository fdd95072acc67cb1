import type { JsonObject, KpiDefinition } from '@genie/core/ports';
import { scoreOf } from '../dashboard.ts';
import type { Deps } from '../deps.ts';
import type { EvaluateOptions, Evaluation, Finding, ProposedAdjustment } from './evaluation.ts';
import { findKpiFindings } from './kpi-findings.ts';
import { writeWithModel } from './model-words.ts';
import { type OutcomeRow, toOutcomeRow } from './outcome-row.ts';
import { findPatterns } from './patterns.ts';
import { requestApprovals } from './request-approvals.ts';
import { screenProposals } from './screen-proposals.ts';
import { currentStatuses } from './statuses.ts';
import { writeFromFindings } from './words.ts';

const defaultWindowMs = 28 * 86_400_000;
/** More of a KPI's history than this adds cost, not insight. */
const maxObservations = 500;

/**
 * Statistics first, then words, then proposals. A proposal has the id of its change, and asking for an open approval again gives the same
 * row, so a crash between asking and storing asks nothing twice.
 */
export async function evaluateGenie(
  deps: Deps,
  definitions: readonly KpiDefinition[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const to = deps.clock.now();
  const from = to - (options.windowMs ?? defaultWindowMs);
  const statuses = await currentStatuses(deps, definitions, to);
  const outcomes = await outcomesSince(deps, from);
  const patterns = findPatterns(outcomes, await deps.feedbackSince(from), deps.offsetAt);
  const kpiFindings = await findAll(deps, definitions, from, to, options.signal);
  const findings = number([...kpiFindings, ...patterns.findings]);
  const facts = { definitions, statuses, findings, outcomes, patterns };
  const model = options.model ?? deps.model;
  const words =
    model === undefined ? writeFromFindings(facts) : await writeWithModel({ ...facts, model, signal: options.signal });
  const score = scoreOf(Object.values(statuses));
  const draft: Evaluation = {
    id: deps.ids.next('evaluation'),
    at: to,
    reason: options.reason ?? 'requested',
    from,
    to,
    runs: outcomes.length,
    ...(score === undefined ? {} : { score }),
    statuses,
    findings,
    ...words,
    ...(await screen(deps, words.adjustments, options)),
  };
  options.signal?.throwIfAborted();
  const asked = await ask(draft, options);
  await deps.store.put('evaluation', {
    id: asked.id,
    at: asked.at,
    body: JSON.parse(JSON.stringify(asked)) as JsonObject,
  });
  deps.telemetry.evaluated(asked);
  return asked;
}

async function screen(deps: Deps, proposals: readonly ProposedAdjustment[], options: EvaluateOptions) {
  const earlier = (await deps.store.records('evaluation', { limit: 20 })).map(
    (row) => row.body as unknown as Evaluation,
  );
  const settings = await deps.settings?.read();
  const changes = (await deps.changes?.list()) ?? [];
  const { approvals } = options;
  return screenProposals({
    proposals,
    earlier,
    changes,
    now: deps.clock.now(),
    ...(settings === undefined ? {} : { settings }),
    ...(approvals === undefined ? {} : { approvals }),
  });
}

async function ask(draft: Evaluation, options: EvaluateOptions): Promise<Evaluation> {
  const { approvals, genieId } = options;
  if (approvals === undefined || genieId === undefined) return draft;
  const adjustments: ProposedAdjustment[] = await requestApprovals(
    draft.adjustments,
    approvals,
    genieId,
    options.signal,
  );
  return { ...draft, adjustments };
}

async function findAll(
  deps: Deps,
  definitions: readonly KpiDefinition[],
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): Promise<Omit<Finding, 'id'>[]> {
  const found: Omit<Finding, 'id'>[] = [];
  for (const kpi of definitions) {
    signal?.throwIfAborted();
    const observations = await deps.store.observations({ kpiId: kpi.id, from, to: to + 1, limit: maxObservations });
    found.push(...findKpiFindings(kpi, observations));
  }
  return found;
}

async function outcomesSince(deps: Deps, from: number): Promise<OutcomeRow[]> {
  const rows = await deps.store.records('outcome', { from, limit: 1000 });
  return rows.map(toOutcomeRow);
}

function number(findings: readonly Omit<Finding, 'id'>[]): Finding[] {
  return findings.map((finding, index) => ({ id: `F${index + 1}`, ...finding }));
}
