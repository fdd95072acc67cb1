import type { RunRecord } from './run-record.ts';
import type { ExecutedRun, RunDeps } from './run-state.ts';

/** A run as memory and metrics see it. */
export function toRunRecord(deps: RunDeps, state: ExecutedRun): RunRecord {
  return {
    runId: state.runId,
    genieId: deps.genieId,
    goal: deps.goal,
    trigger: state.trigger,
    startedAt: state.startedAt,
    endedAt: state.endedAt,
    claim: state.claim,
    text: state.text,
    ...(state.briefing ? { briefing: state.briefing } : {}),
    sources: deps.sources,
    toolCalls: state.toolCalls,
    steps: state.steps,
    usage: state.usage,
    ...(state.costUsd === undefined ? {} : { costUsd: state.costUsd }),
    eventCounts: Object.fromEntries(deps.eventCounts),
    modelId: deps.models.execution.model.modelId,
  };
}
