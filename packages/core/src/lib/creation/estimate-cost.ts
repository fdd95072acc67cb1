import type { ModelPrice } from '../model/language-model.ts';
import type { CostEstimate } from './proposal.ts';

export interface CostInput {
  /** Wakes in the next 30 days. */
  readonly wakesPerMonth: number;
  readonly inputTokensPerRun: number;
  readonly outputTokensPerRun: number;
  readonly price: ModelPrice | undefined;
}

/** Estimated cost with its arithmetic: tokens × price for a run, × wakes for a month of 30 days. */
export function estimateCost({ wakesPerMonth, inputTokensPerRun, outputTokensPerRun, price }: CostInput): CostEstimate {
  const tokens = `${inputTokensPerRun} tokens in + ${outputTokensPerRun} tokens out a run`;
  const wakes = `${wakesPerMonth} wakes in 30 days`;
  const base = { wakesPerMonth, inputTokensPerRun, outputTokensPerRun };
  if (!price) {
    return {
      ...base,
      arithmetic: [tokens, wakes, 'The model has no price: it costs nothing, or pass prices to createGenie.'],
    };
  }
  const input = (inputTokensPerRun * price.inputUsdPerMillion) / 1e6;
  const output = (outputTokensPerRun * price.outputUsdPerMillion) / 1e6;
  const usdPerRun = input + output;
  const usdPerMonth = usdPerRun * wakesPerMonth;
  return {
    ...base,
    usdPerRun,
    usdPerMonth,
    arithmetic: [
      tokens,
      `${inputTokensPerRun} × $${price.inputUsdPerMillion}/1M = $${input.toFixed(6)}`,
      `${outputTokensPerRun} × $${price.outputUsdPerMillion}/1M = $${output.toFixed(6)}`,
      `$${usdPerRun.toFixed(6)} a run × ${wakes} = $${usdPerMonth.toFixed(4)} a month`,
    ],
  };
}
