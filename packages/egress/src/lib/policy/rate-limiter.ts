import type { Clock } from '@genie/core/ports';
import type { CompiledEntry } from './allow-entry.ts';

/** Counts requests against `requestsPerMinute`: a token bucket for each entry, on the monotonic clock. */
export interface RateLimiter {
  /** True when the entry has no limit or a token was left. */
  take(entry: CompiledEntry): boolean;
}

export function createRateLimiter(clock: Clock): RateLimiter {
  const buckets = new Map<CompiledEntry, { tokens: number; filledAt: number }>();
  return {
    take(entry) {
      const limit = entry.requestsPerMinute;
      if (limit === undefined) return true;
      const now = clock.elapsed();
      const bucket = buckets.get(entry) ?? { tokens: limit, filledAt: now };
      buckets.set(entry, bucket);
      bucket.tokens = Math.min(limit, bucket.tokens + ((now - bucket.filledAt) * limit) / 60_000);
      bucket.filledAt = now;
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
