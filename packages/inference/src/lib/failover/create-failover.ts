import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { GenieError } from '@genie/core/errors';
import { type Clock, type EventSink, type GenieEvent, type LanguageModel, systemClock } from '@genie/core/ports';
import { failureTable } from '../failure/model-failure.ts';
import {
  type BreakerOptions,
  type FailoverCandidate,
  type ReadyCandidate,
  readyCandidates,
  whyNot,
} from './candidate.ts';
import type { FailoverDecision } from './failover-decision.ts';
import { untilFirstContent } from './first-content.ts';
import { type Attempt, type Failed, tryCandidate } from './try-candidate.ts';

export interface FailoverOptions {
  /** Ordered, best first; at least one. */
  readonly candidates: readonly FailoverCandidate[];
  /** How long a candidate that stood in stays in charge before better ones are tried again. Default 60,000. */
  readonly stickyMs?: number;
  readonly breaker?: BreakerOptions;
  /** The longest wait before a retry, also when the provider asks for more (then the next candidate is tried). Default 5,000. */
  readonly maxWaitMs?: number;
  /** What may still be spent; candidates with a price above it are left out. */
  readonly remainingUsd?: () => number | undefined;
  /** Every decision, in order. Never throws. */
  readonly onDecision?: (decision: FailoverDecision) => void;
  /** Gets `model.switched`. */
  readonly events?: EventSink;
  readonly clock?: Clock;
  /** Waits before a retry; rejects when the signal aborts. Default a timer that keeps the process alive. */
  readonly wait?: (waitMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface FailoverModel extends LanguageModel {
  /** Feed it the genie's events: `network.changed` to offline leaves only local candidates, back online restores the order. */
  observe(event: GenieEvent): void;
}

/**
 * One model out of several: the first candidate that answers. What follows a failure is decided by {@link failureTable}: try again
 * (with jittered backoff, or as long as the provider asks), go to the next candidate, or stop. A call is never repeated once any of its content
 * was delivered, so text, tool calls and their effects are not doubled. Breakers per provider skip one that keeps failing.
 *
 * Rejects with the failure's own error when the table says stop or there is one candidate, else with `GENIE_MODEL_ALL_FAILED`,
 * whose `details.failures` lists what each candidate said. Throws `GENIE_FAILOVER_INVALID` without candidates.
 */
export function createFailover(options: FailoverOptions): FailoverModel {
  if (options.candidates.length === 0)
    throw new GenieError('GENIE_FAILOVER_INVALID', 'Failover has no candidates: pass at least one model.');
  const chain = new Chain(options);
  return {
    specificationVersion: 'v4',
    get provider() {
      return chain.current.model.provider;
    },
    get modelId() {
      return chain.current.model.modelId;
    },
    get supportedUrls() {
      return chain.current.model.supportedUrls;
    },
    doGenerate: (call) =>
      chain.run(call, async (candidate, signal) => candidate.model.doGenerate({ ...call, abortSignal: signal })),
    doStream: (call) =>
      chain.run(call, async (candidate, signal) =>
        untilFirstContent(await candidate.model.doStream({ ...call, abortSignal: signal }), candidate.id),
      ),
    observe: (event) => chain.observe(event),
  };
}

class Chain {
  readonly #options: FailoverOptions;
  readonly #candidates: readonly ReadyCandidate[];
  readonly #clock: Clock;
  #current = 0;
  #stickyUntil = 0;
  #offline = false;

  constructor(options: FailoverOptions) {
    this.#options = options;
    this.#candidates = readyCandidates(options.candidates, options.breaker ?? {});
    this.#clock = options.clock ?? systemClock;
  }

  get current(): ReadyCandidate {
    return this.#candidates[this.#current] as ReadyCandidate;
  }

  observe(event: GenieEvent): void {
    if (event.type !== 'network.changed') return;
    const offline = event.state === 'offline' || event.state === 'captive';
    // Back online: the better candidates are wanted at once, not after the sticky time.
    if (this.#offline && !offline) this.#stickyUntil = 0;
    this.#offline = offline;
  }

  async run<Result>(call: LanguageModelV4CallOptions, attempt: Attempt<Result>): Promise<Result> {
    call.abortSignal?.throwIfAborted();
    const failures: Failed[] = [];
    let tooSmallTokens = 0;
    for (const index of this.#order()) {
      const candidate = this.#candidates[index] as ReadyCandidate;
      const remainingUsd = this.#options.remainingUsd?.();
      const reason = whyNot(candidate, { offline: this.#offline, remainingUsd, tooSmallTokens, call });
      if (reason !== undefined) {
        this.#decide({ action: 'skip', model: candidate.id, attempt: 0, reason });
        failures.push({ id: candidate.id, failure: { kind: 'unknown', message: reason }, error: undefined });
        continue;
      }
      const outcome = await tryCandidate(candidate, {
        attempt,
        signal: call.abortSignal,
        maxWaitMs: this.#options.maxWaitMs ?? 5_000,
        clock: this.#clock,
        wait: this.#options.wait,
        decide: (decision) => this.#decide(decision),
      });
      if ('result' in outcome) {
        this.#use(index, failures);
        return outcome.result;
      }
      failures.push(outcome.failed);
      if (outcome.failed.failure.kind === 'context-length')
        tooSmallTokens = Math.max(tooSmallTokens, candidate.contextTokens ?? 0);
      if (failureTable[outcome.failed.failure.kind].action === 'stop') throw outcome.failed.error;
    }
    throw allFailed(failures);
  }

  /** From the one in charge to the end, then the better ones that are still resting; after the sticky time from the start. */
  #order(): readonly number[] {
    const all = this.#candidates.map((_, index) => index);
    if (this.#clock.elapsed() >= this.#stickyUntil) return all;
    return [...all.slice(this.#current), ...all.slice(0, this.#current)];
  }

  #use(index: number, failures: readonly Failed[]): void {
    const before = this.current;
    const candidate = this.#candidates[index] as ReadyCandidate;
    if (index !== 0 && (index !== this.#current || this.#clock.elapsed() >= this.#stickyUntil)) {
      this.#stickyUntil = this.#clock.elapsed() + (this.#options.stickyMs ?? 60_000);
    }
    if (index === 0) this.#stickyUntil = 0;
    this.#current = index;
    const last = failures.at(-1);
    const reason = last ? `${last.id}: ${last.failure.message}` : 'first in order';
    this.#decide({ action: 'use', model: candidate.id, attempt: 0, reason });
    if (before === candidate) return;
    this.#options.events?.({
      type: 'model.switched',
      at: this.#clock.now(),
      source: 'inference.failover',
      from: before.id,
      to: candidate.id,
      reason: last ? reason : 'restored',
    });
  }

  #decide(decision: Omit<FailoverDecision, 'at'>): void {
    this.#options.onDecision?.({ at: this.#clock.now(), ...decision });
  }
}

function allFailed(failures: readonly Failed[]): unknown {
  const [only] = failures;
  if (failures.length === 1 && only?.error !== undefined) return only.error;
  const said = failures.map(({ id, failure }) => `${id}: ${failure.message}`).join(' | ');
  return new GenieError('GENIE_MODEL_ALL_FAILED', `No model answered. ${said}`, {
    details: {
      failures: failures.map(({ id, failure }) => ({ model: id, kind: failure.kind, message: failure.message })),
    },
  });
}
