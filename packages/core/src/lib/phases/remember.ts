import type { JsonValue } from '../json.ts';
import type { AwakeRun, RememberingRun, RunDeps } from '../run-state.ts';
import { recordPhase } from './record-phase.ts';

/** Working-memory keys. */
export const cursorsKey = 'cursors';
export const planKey = 'plan';

/** Prompt space for memories. */
const memoryTokens = 2_000;

/** Loads what earlier runs left: memories that bear on this run, how far each source was read, the standing plan. */
export async function remember(deps: RunDeps, state: AwakeRun): Promise<RememberingRun> {
  const delta = await recordPhase(deps, 'remember', async () => {
    const { memory, clock } = deps;
    if (!memory) return { memory: { stable: '', volatile: '' }, cursors: {}, storedPlan: null };
    const startedAt = clock.elapsed();
    const enrichment = await memory.enrich(
      {
        runId: state.runId,
        genieId: deps.genieId,
        goal: deps.goal,
        query: queryOf(deps, state),
        tokenBudget: memoryTokens,
      },
      { signal: deps.guard.signal },
    );
    const tookMs = clock.elapsed() - startedAt;
    deps.emit({
      type: 'memory.recalled',
      at: clock.now(),
      source: 'core.remember',
      runId: state.runId,
      items: enrichment.items.length,
      tookMs,
    });
    return {
      memory: { stable: enrichment.stable, volatile: enrichment.volatile },
      cursors: readTexts(await memory.working.get(cursorsKey)),
      storedPlan: readPlan(await memory.working.get(planKey), deps.goal),
    };
  });
  return { ...state, memory: delta.memory, cursors: delta.cursors, storedPlan: delta.storedPlan ?? undefined };
}

function queryOf(deps: RunDeps, { trigger }: AwakeRun): string {
  return trigger.kind === 'message' ? trigger.text : deps.goal;
}

function readTexts(value: JsonValue | undefined): Record<string, string> {
  const texts: Record<string, string> = {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return texts;
  for (const [key, member] of Object.entries(value)) if (typeof member === 'string') texts[key] = member;
  return texts;
}

/** A plan made for another goal is of no use. */
function readPlan(value: JsonValue | undefined, goal: string): readonly string[] | null {
  const plan = value as { readonly goal?: unknown; readonly steps?: unknown } | undefined;
  if (plan?.goal !== goal || !Array.isArray(plan.steps)) return null;
  return plan.steps.filter((step): step is string => typeof step === 'string');
}
