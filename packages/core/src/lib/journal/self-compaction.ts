import { compactSegments } from './compact-segments.ts';
import type { CompactOptions } from './journal.ts';
import { type LiveRuns, listSegments } from './segment.ts';

export interface SelfCompactionDeps {
  readonly directory: string;
  readonly live: LiveRuns;
  /** What stays when nobody says otherwise. */
  readonly retention: CompactOptions;
  readonly now: () => number;
  /** The segment that is being written. */
  readonly activeSegment: () => number;
  /** Resolves when everything written so far is durable. */
  readonly settled: () => Promise<void> | undefined;
}

/** Sealed segments at which a journal first compacts itself. */
const leastSegments = 8;

/** Lets a journal compact itself as it grows: at 8 sealed segments, then whenever they have doubled since the last time. */
export class SelfCompaction {
  readonly #deps: SelfCompactionDeps;
  #compactAt = leastSegments;
  #running: Promise<number> | undefined;

  constructor(deps: SelfCompactionDeps) {
    this.#deps = deps;
  }

  /** Called after a segment was sealed. What cannot be compacted now is compacted at the next chance; nobody waits for it. */
  afterSeal(): void {
    if (this.#running !== undefined || this.#sealedSegments() < this.#compactAt) return;
    void this.run({}).catch(() => undefined);
  }

  /** Returns how many runs were dropped. Must not be called while one is under way: await `idle` first. */
  run(options: CompactOptions): Promise<number> {
    const { directory, live, retention, now, activeSegment, settled } = this.#deps;
    const running = Promise.resolve(settled())
      .then(() =>
        compactSegments({
          directory,
          activeSegment: activeSegment(),
          live,
          now: now(),
          policy: { ...retention, ...options },
        }),
      )
      .finally(() => {
        this.#running = undefined;
        this.#compactAt = Math.max(leastSegments, 2 * this.#sealedSegments());
      });
    this.#running = running;
    return running;
  }

  /** A promise while the segments may change; it never rejects. */
  idle(): Promise<unknown> | undefined {
    return this.#running?.catch(() => undefined);
  }

  #sealedSegments(): number {
    return listSegments(this.#deps.directory).length - 1;
  }
}
