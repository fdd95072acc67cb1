import type { BudgetLimit } from '../events/genie-event.ts';
import { GenieError } from '../genie-error.ts';
import type { ModelPrice } from '../model/language-model.ts';
import type { Usage } from '../run-record.ts';

/** What a run may spend. Every limit is reserved before a model call, so it cannot be overshot by one. */
export interface BudgetOptions {
  /** Model calls. Default 1,000 in `runLoop`, 100 in a genie's run. */
  readonly steps?: number;
  /** Input and output tokens together. */
  readonly tokens?: number;
  /** Needs a `price`. */
  readonly usd?: number;
  /** Milliseconds of work. Waiting for the user is not counted. */
  readonly timeMs?: number;
}

export interface BudgetExcess {
  readonly limit: BudgetLimit;
  readonly used: number;
  readonly allowed: number;
}

export interface Reservation {
  /** The most the next answer may have; undefined when nothing bounds it. */
  readonly maxOutputTokens: number | undefined;
}

/** An answer shorter than this is of no use: with less left the budget counts as spent. */
const leastOutputTokens = 16;

const unbounded: Reservation = { maxOutputTokens: undefined };

const limitNames: ReadonlySet<string> = new Set<keyof BudgetOptions>(['steps', 'tokens', 'usd', 'timeMs']);

/** Throws `GENIE_BUDGET_INVALID` for unknown limits, those that are not positive numbers, and USD without a usable price. */
export function checkBudget(budget: BudgetOptions, price: ModelPrice | undefined): void {
  for (const name of Object.keys(budget)) {
    if (limitNames.has(name)) continue;
    throw new GenieError('GENIE_BUDGET_INVALID', `budget.${name} is not known: use ${[...limitNames].join(', ')}.`);
  }
  for (const name of ['steps', 'tokens', 'usd', 'timeMs'] as const) {
    const value = budget[name];
    if (value === undefined || value > 0) continue;
    throw new GenieError('GENIE_BUDGET_INVALID', `budget.${name} is ${value}: use a positive number or leave it out.`);
  }
  if (budget.usd !== undefined && !isUsable(price)) {
    throw new GenieError(
      'GENIE_BUDGET_INVALID',
      'budget.usd needs the price of the model: pass "price" with USD for a million tokens.',
    );
  }
}

/** Without numbers every comparison with the budget would be false, and nothing would be bounded. */
function isUsable(price: ModelPrice | undefined): boolean {
  return price !== undefined && price.inputUsdPerMillion >= 0 && price.outputUsdPerMillion >= 0;
}

/**
 * Says before a call whether it still fits, and how long the answer may be. Input tokens are estimated at four
 * characters a token (as providers document for English text); what was used comes from the provider.
 */
export function reserve(
  budget: BudgetOptions,
  spent: { readonly steps: number; readonly usage: Usage; readonly costUsd: number; readonly workedMs: number },
  next: { readonly inputTokens: number; readonly price: ModelPrice | undefined },
): Reservation | BudgetExcess {
  if (budget.steps !== undefined && spent.steps >= budget.steps) {
    return { limit: 'steps', used: spent.steps, allowed: budget.steps };
  }
  if (budget.timeMs !== undefined && spent.workedMs >= budget.timeMs) {
    return { limit: 'time', used: Math.round(spent.workedMs), allowed: budget.timeMs };
  }
  if (budget.tokens === undefined && budget.usd === undefined) return unbounded;
  let maxOutputTokens = Number.POSITIVE_INFINITY;
  if (budget.tokens !== undefined) {
    const used = spent.usage.inputTokens + spent.usage.outputTokens;
    maxOutputTokens = budget.tokens - used - next.inputTokens;
    if (maxOutputTokens < leastOutputTokens) return { limit: 'tokens', used, allowed: budget.tokens };
  }
  if (budget.usd !== undefined && next.price) {
    const left = budget.usd - spent.costUsd - (next.inputTokens * next.price.inputUsdPerMillion) / 1e6;
    const affordable =
      next.price.outputUsdPerMillion > 0
        ? (left * 1e6) / next.price.outputUsdPerMillion
        : left * Number.POSITIVE_INFINITY;
    if (!(affordable >= leastOutputTokens)) return { limit: 'usd', used: spent.costUsd, allowed: budget.usd };
    maxOutputTokens = Math.min(maxOutputTokens, affordable);
  }
  return { maxOutputTokens: Number.isFinite(maxOutputTokens) ? Math.floor(maxOutputTokens) : undefined };
}

/** USD of one call, from the provider's token counts. */
export function costOf(usage: Usage, price: ModelPrice): number {
  const cachedPrice = price.cachedInputUsdPerMillion ?? price.inputUsdPerMillion;
  const fresh = Math.max(0, usage.inputTokens - usage.cachedInputTokens);
  return (
    (fresh * price.inputUsdPerMillion +
      usage.cachedInputTokens * cachedPrice +
      usage.outputTokens * price.outputUsdPerMillion) /
    1e6
  );
}
