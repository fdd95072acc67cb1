import type { GenieEvent, KpiDefinition, RunRecord } from '@genie/core/ports';
import type { Deps } from './deps.ts';
import { isFinished } from './event-times.ts';
import { createContext, toObservation } from './measure-run.ts';

/**
 * Observes `event` KPIs when their event arrives, or when the run ended without it. Some events (a delivered briefing) come after the
 * run was measured, where the KPI was still pending; so the observation has an id of its own.
 */
export async function observeEvent(
  deps: Deps,
  event: GenieEvent,
  definitions: readonly KpiDefinition[],
): Promise<void> {
  if (!('runId' in event)) return;
  const isEnd = event.type === 'run.ended' && isFinished(event);
  for (const kpi of definitions) {
    if (kpi.probe.kind !== 'event' || !(isEnd || kpi.probe.event === event.type)) continue;
    const run = runOf(event.runId, event.at);
    const result = await deps.probes.observe(kpi.probe, createContext(deps, run, kpi, new AbortController().signal));
    if ('noData' in result) continue;
    await deps.store.append([
      { ...toObservation(deps, run, kpi, result), id: `${event.runId}/${kpi.id}/${kpi.unit}/event` },
    ]);
  }
}

/** Event probes look at times only. */
function runOf(runId: string, at: number): RunRecord {
  return {
    runId,
    genieId: '',
    goal: '',
    trigger: { kind: 'manual' },
    startedAt: at,
    endedAt: at,
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
