import { createHash } from 'node:crypto';
import type { JsonObject, KpiDefinition, MemoryItemInput, RunRecord } from '@genie/core/ports';
import type { Deps } from '../deps.ts';
import { createContext, findOutcome, toObservation } from '../measure-run.ts';
import type { Feedback, StoredFeedback } from './feedback.ts';

/** Stores feedback, observes the KPIs that measure it, and tells memory. A second delivery with the same key changes nothing. */
export async function recordFeedback(
  deps: Deps,
  feedback: Feedback,
  definitions: readonly KpiDefinition[],
): Promise<StoredFeedback> {
  const at = deps.clock.now();
  const id = feedback.key === undefined ? deps.ids.next('feedback') : `feedback_${hash(feedback.key)}`;
  const runKnown = feedback.runId === undefined ? undefined : (await findOutcome(deps, feedback.runId)) !== undefined;
  const row: StoredFeedback = { ...feedback, id, at, ...(runKnown === undefined ? {} : { runKnown }) };
  const { id: _id, at: _at, ...body } = row;
  const stored = await deps.store.put('feedback', { id, at, body: JSON.parse(JSON.stringify(body)) as JsonObject });
  if (!stored) {
    const [first] = await deps.store.records('feedback', { id });
    return first === undefined ? row : { ...(first.body as unknown as StoredFeedback), id, at: first.at };
  }
  await observeFeedbackKpis(deps, row, definitions);
  await deps.memory?.remember(toMemory(row)).catch((error: unknown) => deps.warn('GENIE_METRICS_MEMORY', error));
  return row;
}

async function observeFeedbackKpis(
  deps: Deps,
  row: StoredFeedback,
  definitions: readonly KpiDefinition[],
): Promise<void> {
  const run = emptyRun(row);
  for (const kpi of definitions.filter((one) => one.probe.kind === 'feedback')) {
    const result = await deps.probes.observe(kpi.probe, createContext(deps, run, kpi, new AbortController().signal));
    // The run's own observation of this KPI exists already; this one belongs to the feedback.
    const observation = { ...toObservation(deps, run, kpi, result), id: `${row.id}/${kpi.id}/${kpi.unit}`, at: row.at };
    if (observation.value !== undefined) await deps.store.append([observation]);
  }
}

/** Feedback may come for a run that is long gone; its probes look at feedback only. */
function emptyRun(row: StoredFeedback): RunRecord {
  return {
    runId: row.runId ?? row.id,
    genieId: '',
    goal: '',
    trigger: { kind: 'manual' },
    startedAt: row.at,
    endedAt: row.at,
    claim: 'none',
    text: '',
    sources: [],
    toolCalls: [],
    steps: 0,
    usage: { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, modelCalls: 0 },
    eventCounts: {},
    modelId: '',
  };
}

function toMemory(row: StoredFeedback): MemoryItemInput {
  return {
    text: inWords(row),
    kind: 'preference',
    eventTime: row.at,
    speaker: row.by ?? 'user',
    idempotencyKey: row.id,
    importance: row.kind === 'text' ? 0.8 : 0.6,
    ...(row.source === undefined ? {} : { source: row.source }),
  };
}

function inWords(row: StoredFeedback): string {
  const about = [
    ...(row.itemId === undefined ? [] : [`item ${row.itemId}`]),
    ...(row.source === undefined ? [] : [`from ${row.source}`]),
  ].join(' ');
  const subject = about === '' ? 'the briefing' : about;
  switch (row.kind) {
    case 'thumbs':
      return `The user ${row.up ? 'liked' : 'did not like'} ${subject}.`;
    case 'stars':
      return `The user gave ${subject} ${row.stars} of 5 stars.`;
    case 'irrelevant':
      return `The user finds ${subject} irrelevant.`;
    case 'text':
      return `The user said about ${subject}: ${row.text}`;
    default:
      return row satisfies never;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}
