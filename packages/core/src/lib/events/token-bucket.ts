import { GenieError } from '../genie-error.ts';
import type { Clock } from '../ports/clock.ts';

/** Adding up fractions of a token leaves an error of about this size at most. */
const rounding = 1e-9;

export interface TokenRate {
  /** How many may come at once. */
  readonly burst: number;
  /** How many more each second, fractions included. */
  readonly refillPerSecond: number;
}

export interface TokenBucket {
  /** True and one token less, or false and nothing changed. */
  take(): boolean;
  /** Milliseconds until `take` succeeds; 0 when it would now, infinity when it never will. */
  waitMs(): number;
}

/**
 * A token bucket: in any time span at most `burst + refillPerSecond × seconds` calls of `take` succeed. Reads elapsed time
 * only, so that changing the wall clock neither blocks nor frees anybody.
 *
 * Throws `GENIE_CHANNEL_OPTIONS` for a burst below 1 or a negative refill.
 */
export function createTokenBucket(rate: TokenRate, clock: Pick<Clock, 'elapsed'>): TokenBucket {
  const { burst, refillPerSecond } = rate;
  if (!(burst >= 1 && Number.isFinite(burst) && refillPerSecond >= 0 && Number.isFinite(refillPerSecond))) {
    throw new GenieError(
      'GENIE_CHANNEL_OPTIONS',
      `A rate of burst ${burst} and ${refillPerSecond} a second is none; pass a burst from 1 and a refill from 0.`,
    );
  }
  let tokens = burst;
  let filledAt = clock.elapsed();

  function refill(): void {
    const now = clock.elapsed();
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) / 1000) * refillPerSecond);
    filledAt = Math.max(filledAt, now);
  }

  return {
    take() {
      refill();
      if (tokens < 1 - rounding) return false;
      tokens = Math.max(0, tokens - 1);
      return true;
    },
    waitMs() {
      refill();
      if (tokens >= 1 - rounding) return 0;
      if (refillPerSecond === 0) return Number.POSITIVE_INFINITY;
      const waitMs = Math.ceil(((1 - tokens) / refillPerSecond) * 1000);
      // `take` forgives a rounding error, so one millisecond less may do.
      return tokens + ((waitMs - 1) / 1000) * refillPerSecond >= 1 - rounding ? waitMs - 1 : waitMs;
    },
  };
}
