import type { MeasuredRun, MemorizedRun, RunDeps } from '../run-state.ts';
import { toRunRecord } from '../to-run-record.ts';
import { recordPhase } from './record-phase.ts';
import { cursorsKey, planKey } from './remember.ts';
import { gateKey } from './wake.ts';

/** Stores what the run found, and, when it succeeded, how far it read: a failed run reads the same again next time. */
export async function memorize(deps: RunDeps, state: MeasuredRun): Promise<MemorizedRun> {
  const delta = await recordPhase(deps, 'memorize', async () => {
    const { memory } = deps;
    if (!memory) return { stored: 0 };
    const receipt = await memory.learn(toRunRecord(deps, state), { signal: deps.guard.signal });
    if (state.finish.reason === 'stop' || state.finish.reason === 'stop-condition') {
      if (Object.keys(state.newCursors).length > 0) {
        await memory.working.set(cursorsKey, { ...state.cursors, ...state.newCursors });
      }
      if (state.gate.state) await memory.working.set(gateKey, state.gate.state);
      if (state.plan.length > 0) await memory.working.set(planKey, { goal: deps.goal, steps: state.plan });
    }
    deps.emit({ type: 'memory.stored', at: deps.clock.now(), source: 'core.memorize', runId: state.runId, ...receipt });
    return { stored: receipt.stored };
  });
  return { ...state, ...delta };
}
