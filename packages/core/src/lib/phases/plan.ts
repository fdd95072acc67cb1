import { generateJson } from '../generate-json.ts';
import { toErrorRecord } from '../genie-error.ts';
import { interrupted } from '../loop/abort-guard.ts';
import { reserve } from '../loop/budget.ts';
import { noUsage } from '../loop/replay.ts';
import { writeRunPrompt } from '../prompt.ts';
import type { Usage } from '../run-record.ts';
import type { PlannedRun, RememberingRun, RunDeps } from '../run-state.ts';
import { recordPhase } from './record-phase.ts';

interface PlanDelta {
  readonly plan: readonly string[];
  readonly planUsage: Usage;
  readonly planCostUsd: number;
}

const noPlan: PlanDelta = { plan: [], planUsage: noUsage, planCostUsd: 0 };

/** Lets the planning model break the goal into steps, as often as the genie is set to. Answers to messages need no plan. */
export async function plan(deps: RunDeps, state: RememberingRun): Promise<PlannedRun> {
  const delta = await recordPhase(deps, 'plan', () => makePlan(deps, state));
  return { ...state, ...delta };
}

async function makePlan(deps: RunDeps, state: RememberingRun): Promise<PlanDelta> {
  if (deps.planning === 'none' || state.trigger.kind === 'message') return noPlan;
  if (deps.planning === 'once' && state.storedPlan) return { ...noPlan, plan: state.storedPlan };
  try {
    return await askForPlan(deps, state);
  } catch (error) {
    if (error === interrupted || deps.guard.cause) throw interrupted;
    // A run without a plan is still a run: the execution model reads the goal itself.
    deps.emit({
      type: 'model.failed',
      at: deps.clock.now(),
      source: 'core.plan',
      runId: state.runId,
      step: 0,
      error: toErrorRecord(error, 'GENIE_MODEL_FAILED'),
      willRetry: false,
    });
    return noPlan;
  }
}

async function askForPlan(deps: RunDeps, state: RememberingRun): Promise<PlanDelta> {
  const { planJsonSchema, planSchema } = await import('./plan-schema.ts');
  const { price } = deps.models.planning;
  const prompt = writeRunPrompt({
    goal: deps.goal,
    sources: deps.sources,
    cursors: state.cursors,
    memory: state.memory.volatile,
    plan: [],
    trigger: state.trigger,
    today: new Date(state.startedAt).toISOString().slice(0, 10),
  });
  const nothing = { steps: 0, usage: noUsage, costUsd: 0, workedMs: 0 };
  const reservation = reserve(deps.budget, nothing, { inputTokens: Math.ceil(prompt.length / 4), price });
  if ('limit' in reservation) return noPlan;
  const tools = deps.tools.list().map((tool) => `- ${tool.name}: ${tool.description}`);
  const answer = await generateJson(deps.models.planning, {
    name: 'plan',
    schema: planSchema,
    jsonSchema: planJsonSchema(),
    system: `You plan one run of a genie. Give the few steps another, cheaper model should follow.\nTools it has:\n${tools.join('\n')}`,
    prompt,
    maxOutputTokens: reservation.maxOutputTokens,
    clock: deps.clock,
    guard: deps.guard,
    limits: deps.limits,
  });
  const steps = answer.value.steps.map((step) => step.text);
  deps.emit({
    type: 'plan.created',
    at: deps.clock.now(),
    source: 'core.plan',
    runId: state.runId,
    steps,
    modelId: deps.models.planning.model.modelId,
  });
  return { plan: steps, planUsage: answer.usage, planCostUsd: answer.costUsd };
}
