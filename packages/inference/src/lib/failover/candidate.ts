import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { LanguageModel, ModelPrice } from '@genie/core/ports';
import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { classifyFailure } from '../failure/classify-failure.ts';
import { failureTable } from '../failure/model-failure.ts';

/** One model of a chain, best first. */
export interface FailoverCandidate {
  readonly model: LanguageModel;
  /** Milliseconds to the first piece of a stream, or to the whole answer of a call that does not stream. Default 30,000. */
  readonly deadlineMs?: number;
  /** Calls before the next candidate is tried, for failures whose rule is `retry`. Default 2. */
  readonly attempts?: number;
  /** Works without a network: on this machine or in this process. Default: `offline`, and Ollama and `local` models. */
  readonly local?: boolean;
  /** Candidates of one provider share a breaker. Default the model's `provider`. */
  readonly breakerKey?: string;
  readonly price?: ModelPrice;
  /** Context size in tokens. A candidate no larger than one that found the prompt too long is left out. */
  readonly contextTokens?: number;
}

/** A candidate with its defaults and its breaker. */
export interface ReadyCandidate {
  readonly id: string;
  readonly model: LanguageModel;
  readonly deadlineMs: number;
  readonly attempts: number;
  readonly local: boolean;
  readonly price: ModelPrice | undefined;
  readonly contextTokens: number | undefined;
  readonly breaker: CircuitBreakerPolicy;
}

export interface BreakerOptions {
  /** Failures in a row that open it. Default 3. */
  readonly failures?: number;
  /** Milliseconds until one call may try again. Default 30,000. */
  readonly halfOpenAfterMs?: number;
}

export function readyCandidates(
  candidates: readonly FailoverCandidate[],
  options: BreakerOptions,
): readonly ReadyCandidate[] {
  const breakers = new Map<string, CircuitBreakerPolicy>();
  return candidates.map((candidate) => {
    const { model } = candidate;
    const key = candidate.breakerKey ?? model.provider;
    const breaker = breakers.get(key) ?? createBreaker(options);
    breakers.set(key, breaker);
    return {
      id: idOf(model),
      model,
      deadlineMs: candidate.deadlineMs ?? 30_000,
      attempts: Math.max(1, candidate.attempts ?? 2),
      local: candidate.local ?? ['genie', 'ollama', 'local'].includes(model.provider),
      price: candidate.price,
      contextTokens: candidate.contextTokens,
      breaker,
    };
  });
}

export function idOf(model: LanguageModel): string {
  return model.provider === 'genie' ? model.modelId : `${model.provider}/${model.modelId}`;
}

function createBreaker(options: BreakerOptions): CircuitBreakerPolicy {
  return circuitBreaker(
    // Only what the provider did wrong counts: a wrong key or a long prompt says nothing about its health.
    handleWhen((error) => failureTable[classifyFailure(error).kind].trips),
    { breaker: new ConsecutiveBreaker(options.failures ?? 3), halfOpenAfter: options.halfOpenAfterMs ?? 30_000 },
  );
}

/** Why a candidate is not tried now, or undefined. */
export function whyNot(
  candidate: ReadyCandidate,
  state: {
    readonly offline: boolean;
    readonly remainingUsd: number | undefined;
    readonly tooSmallTokens: number;
    readonly call: LanguageModelV4CallOptions;
  },
): string | undefined {
  if (state.offline && !candidate.local) return 'the network is offline';
  if (candidate.breaker.state === CircuitState.Isolated) return 'its breaker is held open';
  if ((candidate.contextTokens ?? Number.POSITIVE_INFINITY) <= state.tooSmallTokens)
    return 'its context is no larger than the one that was too small';
  const cost = estimateCostUsd(candidate.price, state.call);
  if (cost !== undefined && state.remainingUsd !== undefined && cost > state.remainingUsd) {
    return `the call would cost about ${cost.toFixed(4)} USD and ${state.remainingUsd.toFixed(4)} USD are left`;
  }
  return undefined;
}

/** Characters of the prompt at 4 a token, and `maxOutputTokens` or 1,000 tokens of output. */
function estimateCostUsd(price: ModelPrice | undefined, call: LanguageModelV4CallOptions): number | undefined {
  if (!price) return undefined;
  const input = JSON.stringify(call.prompt).length / 4;
  const output = call.maxOutputTokens ?? 1_000;
  return (input * price.inputUsdPerMillion + output * price.outputUsdPerMillion) / 1_000_000;
}
