import { GenieError } from '@genie/core/errors';
import type { LanguageModel, ModelPrice } from '@genie/core/ports';

export interface MeterOptions {
  readonly price: ModelPrice | undefined;
  /** Most that live calls may take; undefined is no limit. USD are only counted for a model with a price. */
  readonly usd?: number;
  readonly tokens?: number;
}

export interface Meter {
  readonly model: LanguageModel;
  spent(): { readonly tokens: number; readonly usd: number };
}

/**
 * Counts what live calls of a model cost, and refuses the next one (`GENIE_REPLAY_BUDGET`) when the budget is spent. Answers from a recording
 * do not pass here: they were paid for before.
 */
export function meterModel(model: LanguageModel, { price, usd, tokens }: MeterOptions): Meter {
  const spent = { tokens: 0, usd: 0 };
  const { specificationVersion, provider, modelId, supportedUrls } = model;
  return {
    spent: () => ({ ...spent }),
    model: {
      specificationVersion,
      provider,
      modelId,
      supportedUrls,
      async doGenerate(options) {
        if ((tokens !== undefined && spent.tokens >= tokens) || (usd !== undefined && price && spent.usd >= usd))
          throw new GenieError(
            'GENIE_REPLAY_BUDGET',
            'The budget for live model calls is spent. Allow more, or try fewer runs.',
          );
        const result = await model.doGenerate(options);
        const input = result.usage.inputTokens.total ?? 0;
        const output = result.usage.outputTokens.total ?? 0;
        spent.tokens += input + output;
        if (price) spent.usd += (input * price.inputUsdPerMillion + output * price.outputUsdPerMillion) / 1_000_000;
        return result;
      },
      doStream() {
        throw new GenieError('GENIE_REPLAY_BUDGET', 'A replay asks for whole answers, which can be counted.');
      },
    },
  };
}
