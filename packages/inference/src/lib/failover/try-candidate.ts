import { setTimeout } from 'node:timers/promises';
import type { Clock } from '@genie/core/ports';
import { decorrelatedJitterGenerator, ExponentialBackoff } from 'cockatiel';
import { classifyFailure } from '../failure/classify-failure.ts';
import { failureTable, type ModelFailure, toModelError } from '../failure/model-failure.ts';
import type { ReadyCandidate } from './candidate.ts';
import type { FailoverDecision } from './failover-decision.ts';

/** One call of one candidate; the signal aborts with the caller's and at the deadline. */
export type Attempt<Result> = (candidate: ReadyCandidate, signal: AbortSignal) => Promise<Result>;

export interface Failed {
  readonly id: string;
  readonly failure: ModelFailure;
  /** What was thrown; undefined for a candidate that was not tried. */
  readonly error: unknown;
}

interface TryOptions<Result> {
  readonly attempt: Attempt<Result>;
  readonly signal: AbortSignal | undefined;
  readonly maxWaitMs: number;
  readonly clock: Clock;
  readonly wait: ((waitMs: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  readonly decide: (decision: Omit<FailoverDecision, 'at'>) => void;
}

/** Calls one candidate through its breaker until it answers, its attempts are used up, or its failure forbids another. */
export async function tryCandidate<Result>(
  candidate: ReadyCandidate,
  options: TryOptions<Result>,
): Promise<{ readonly result: Result } | { readonly failed: Failed }> {
  const { signal, maxWaitMs } = options;
  let backoff = new ExponentialBackoff({
    initialDelay: 200,
    maxDelay: maxWaitMs,
    generator: decorrelatedJitterGenerator,
  }).next();
  for (let count = 1; ; count += 1) {
    try {
      return { result: await candidate.breaker.execute(() => withinDeadline(candidate, options)) };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const failure = failureOf(error);
      const { action } = failureTable[failure.kind];
      const waitMs = failure.retryAfterMs ?? backoff.duration;
      const retries = action === 'retry' && count < candidate.attempts && waitMs <= maxWaitMs;
      options.decide({
        action: retries ? 'retry' : action === 'stop' ? 'stop' : 'fail-over',
        model: candidate.id,
        attempt: count,
        reason: failure.message,
        kind: failure.kind,
        ...(retries ? { waitMs } : {}),
      });
      if (!retries) return { failed: { id: candidate.id, failure, error } };
      await (options.wait ?? waitFor)(waitMs, signal);
      backoff = backoff.next(undefined);
    }
  }
}

/** Runs one attempt; past the deadline it is aborted and fails with a timeout, whether or not the model heeds its signal. */
async function withinDeadline<Result>(candidate: ReadyCandidate, options: TryOptions<Result>): Promise<Result> {
  const controller = new AbortController();
  const outer = options.signal;
  // The outer signal stays joined after the first piece: the caller may still abort the rest of a stream.
  const work = options.attempt(candidate, outer ? AbortSignal.any([outer, controller.signal]) : controller.signal);
  let cancelTimer = () => {};
  let onAbort = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(outer?.reason);
    outer?.addEventListener('abort', onAbort, { once: true });
    if (candidate.deadlineMs === Number.POSITIVE_INFINITY) return;
    cancelTimer = options.clock.schedule(candidate.deadlineMs, () => {
      const message = `no answer within ${candidate.deadlineMs} ms`;
      const reason = toModelError({ kind: 'timeout', message }, candidate.id);
      controller.abort(reason);
      reject(reason);
    });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancelTimer();
    outer?.removeEventListener('abort', onAbort);
    // An attempt that lost the race may still fail; nobody waits for it any more.
    work.catch(() => undefined);
  }
}

function failureOf(error: unknown): ModelFailure {
  const { isBrokenCircuitError } = (error ?? {}) as { isBrokenCircuitError?: unknown };
  // Nothing was sent; going on to the next candidate is free.
  if (isBrokenCircuitError === true) return { kind: 'unknown', message: 'its breaker is open after repeated failures' };
  return classifyFailure(error);
}

async function waitFor(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(waitMs, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
