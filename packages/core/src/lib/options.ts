import { checkOptions } from './check-options.ts';
import type { GenieOptions } from './genie.ts';
import { GenieError } from './genie-error.ts';
import { type BudgetOptions, checkBudget } from './loop/budget.ts';
import type { LoopLimits } from './loop/loop-context.ts';
import { upgradeOlderSpec } from './model/upgrade-older-spec.ts';
import { type Clock, systemClock } from './ports/clock.ts';
import { createIds, type Ids } from './ports/ids.ts';
import type { PricedModel } from './run-state.ts';
import { toToolbox } from './tool/to-toolbox.ts';
import type { Toolbox } from './tool/tool.ts';

/** Options with every default filled in, checked. Nothing below `createGenie` reads the raw ones. */
export interface ResolvedOptions {
  readonly raw: GenieOptions;
  readonly goal: string;
  readonly models: { readonly planning: PricedModel; readonly execution: PricedModel };
  readonly planning: 'none' | 'once' | 'every-run';
  readonly tools: Toolbox;
  readonly budget: BudgetOptions;
  readonly limits: LoopLimits;
  readonly concurrentRuns: number;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Throws `GENIE_OPTIONS`, `GENIE_MODEL_INVALID`, `GENIE_TOOL_INVALID`, `GENIE_TOOL_SCHEMA` or `GENIE_BUDGET_INVALID`, each naming the option, the value and the fix. */
export function resolveOptions(options: GenieOptions): ResolvedOptions {
  checkOptions(options);
  const { goal, planning, concurrentRuns, prices } = options;
  const planningModel = options.models?.planning ?? options.model;
  const executionModel = options.models?.execution ?? options.model;
  if (!planningModel || !executionModel)
    throw invalid('There is no model: pass "model", or "models" with planning and execution.');
  const execution: PricedModel = { model: upgradeOlderSpec(executionModel), price: prices?.execution };
  const budget = { steps: 100, ...options.budget };
  checkBudget(budget, execution.price);
  const clock = options.clock ?? systemClock;
  return {
    raw: options,
    goal: goal.trim(),
    models: {
      planning: { model: upgradeOlderSpec(planningModel), price: prices?.planning ?? prices?.execution },
      execution,
    },
    planning: planning ?? (options.models ? 'once' : 'none'),
    tools: checkedTools(options.tools ?? []),
    budget,
    limits: {
      modelTimeoutMs: 600_000,
      maxOutputCharacters: 100_000,
      faultTolerance: 1,
      contextTokens: Number.POSITIVE_INFINITY,
      approvalWaitMs: 0,
      ...options.limits,
    },
    concurrentRuns: concurrentRuns ?? (options.home ? 1 : Number.POSITIVE_INFINITY),
    clock,
    ids: options.ids ?? createIds(clock),
  };
}

/** A tool is offered in every run: one whose schema has no JSON form says so now, not in the middle of the first run. */
function checkedTools(tools: NonNullable<GenieOptions['tools']>): Toolbox {
  const toolbox = toToolbox(tools);
  if (Array.isArray(tools)) for (const tool of toolbox.list()) void tool.inputJsonSchema;
  return toolbox;
}

function invalid(message: string): GenieError {
  return new GenieError('GENIE_OPTIONS', message);
}
