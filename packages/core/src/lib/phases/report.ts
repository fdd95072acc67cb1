import type { MemorizedRun, ReportedRun, RunDeps } from '../run-state.ts';
import { recordPhase } from './record-phase.ts';

/** Brings the briefing to the user: into the home and through the notifier. */
export async function report(deps: RunDeps, state: MemorizedRun): Promise<ReportedRun> {
  const delta = await recordPhase(deps, 'report', async () => {
    if (!state.briefing) return { deliveries: 0 };
    await deps.saveBriefing?.(state.runId, state.briefing.markdown);
    const results = await deps.notifier?.notify(
      {
        id: state.runId,
        kind: 'briefing',
        genieId: deps.genieId,
        title: state.briefing.title,
        body: state.briefing.items
          .map((item) => item.text)
          .join('\n')
          .slice(0, 2_000),
      },
      { signal: deps.guard.signal },
    );
    const deliveries = results?.filter((result) => result.status === 'delivered').length ?? 0;
    deps.emit({
      type: 'briefing.delivered',
      at: deps.clock.now(),
      source: 'core.report',
      runId: state.runId,
      title: state.briefing.title,
      items: state.briefing.items.length,
      deliveries,
    });
    return { deliveries };
  });
  return { ...state, ...delta };
}
