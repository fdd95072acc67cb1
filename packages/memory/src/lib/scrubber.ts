import type { Clock } from '@genie/core/ports';
import type { RecordStore } from './store/record-store.ts';

/** Rewrites the store after forgetting, so that no old page keeps a forgotten text. */
export interface Scrubber {
  /** Does it now when that is cheap; returns false when it is put off. */
  request(): Promise<boolean>;
  /** Does what was put off. */
  flush(): Promise<void>;
}

/** Rewriting may take this share of the time: forgetting ten thousand memories one by one must not rewrite the store ten thousand times. */
const largestShare = 0.05;

export function createScrubber(store: RecordStore, clock: Clock): Scrubber {
  let isPending = false;
  let lastEnd = Number.NEGATIVE_INFINITY;
  let lastTook = 0;
  const scrub = async (): Promise<void> => {
    const start = clock.elapsed();
    await store.scrub();
    lastEnd = clock.elapsed();
    lastTook = lastEnd - start;
    isPending = false;
  };
  return {
    async request() {
      isPending = true;
      if (clock.elapsed() - lastEnd < lastTook / largestShare) return false;
      await scrub();
      return true;
    },
    async flush() {
      if (isPending) await scrub();
    },
  };
}
