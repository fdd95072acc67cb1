import { describeThrown, GenieError } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import { type Conflict, type Mutation, type QueuedMutation, QueueFile } from './queue-file.ts';

/** What became of a mutation at its receiver. A throw means "try again later". */
export type SendResult = 'done' | { readonly conflict: string };

export interface MutationQueueOptions {
  /** Folder of the queue. One process owns it at a time. */
  readonly dir: string;
  /** Delivers one mutation. It may be called again with the same key after a crash, so the receiver has to take a key once. */
  readonly send: (mutation: QueuedMutation, options: { readonly signal?: AbortSignal }) => Promise<SendResult>;
  /** Default 1,000. */
  readonly maxItems?: number;
  /** Of one mutation as JSON. Default 262,144. */
  readonly maxItemBytes?: number;
  /** First pause after a failure; it doubles up to `maxPauseMs`. Default 1,000 and 300,000. */
  readonly firstPauseMs?: number;
  readonly maxPauseMs?: number;
  readonly clock?: Clock;
}

export interface FlushReport {
  readonly sent: number;
  readonly left: number;
  readonly conflicts: readonly Conflict[];
  /** Why it stopped before the end. */
  readonly failure?: string;
  /** When another try makes sense, in milliseconds from now. */
  readonly retryInMs?: number;
}

/** Keeps changes that could not be made because there was no network, and makes them later, in order. */
export interface MutationQueue {
  /** Durable when it resolves. A key that waits or was sent lately is not queued again. */
  enqueue(mutation: Mutation): Promise<{ readonly isDuplicate: boolean }>;
  /** Sends in order until the end or the first failure. Calls that come meanwhile get the same answer. */
  flush(options?: { readonly signal?: AbortSignal }): Promise<FlushReport>;
  /** In order. */
  list(): readonly QueuedMutation[];
  /** What the receiver did not want, the last hundred, oldest first. */
  conflicts(): readonly Conflict[];
  close(): Promise<void>;
}

/**
 * Opens a queue. Errors by code: `GENIE_QUEUE_FULL` (too many or too big), `GENIE_QUEUE_STORE` (the folder cannot be read or written).
 */
export async function openMutationQueue(options: MutationQueueOptions): Promise<MutationQueue> {
  return new FileMutationQueue(options, await stored(options.dir, () => QueueFile.open(options.dir)));
}

class FileMutationQueue implements MutationQueue {
  readonly #options: MutationQueueOptions;
  readonly #file: QueueFile;
  readonly #clock: Clock;
  #turn: Promise<unknown> = Promise.resolve();
  #flushing: Promise<FlushReport> | undefined;
  #failures = 0;
  #notBefore = 0;

  constructor(options: MutationQueueOptions, file: QueueFile) {
    this.#options = options;
    this.#file = file;
    this.#clock = options.clock ?? systemClock;
  }

  enqueue(mutation: Mutation): Promise<{ readonly isDuplicate: boolean }> {
    return this.#inTurn(async () => {
      const { waiting, done, lastSeq } = this.#file.state;
      if (waiting.has(mutation.key) || done.has(mutation.key)) return { isDuplicate: true };
      const { key, kind, payload } = mutation;
      const queued: QueuedMutation = { key, kind, payload, seq: lastSeq + 1, queuedAt: this.#clock.now() };
      this.#refuseTooMuch(queued);
      await this.#file.append([{ op: 'add', mutation: queued }]);
      return { isDuplicate: false };
    });
  }

  flush(options: { readonly signal?: AbortSignal } = {}): Promise<FlushReport> {
    this.#flushing ??= this.#flush(options.signal).finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  list(): readonly QueuedMutation[] {
    return [...this.#file.state.waiting.values()];
  }

  conflicts(): readonly Conflict[] {
    return [...this.#file.state.conflicts];
  }

  async close(): Promise<void> {
    await this.#flushing;
    await this.#inTurn(() => this.#file.close());
  }

  async #flush(signal: AbortSignal | undefined): Promise<FlushReport> {
    const conflicts: Conflict[] = [];
    let sent = 0;
    const report = (extra: Partial<FlushReport> = {}): FlushReport => ({
      sent,
      left: this.#file.state.waiting.size,
      conflicts,
      ...extra,
    });
    const pause = this.#notBefore - this.#clock.elapsed();
    if (pause > 0) return report({ failure: 'waiting after a failure', retryInMs: pause });
    for (const mutation of this.list()) {
      if (signal?.aborted) return report({ failure: 'aborted' });
      let result: SendResult;
      try {
        result = await this.#options.send(mutation, signal ? { signal } : {});
      } catch (error) {
        return report({ failure: describeThrown(error), retryInMs: this.#backOff() });
      }
      this.#failures = 0;
      if (result === 'done') sent += 1;
      else conflicts.push({ mutation, reason: result.conflict });
      await this.#inTurn(() => this.#settle(mutation, result));
    }
    return report();
  }

  #settle(mutation: QueuedMutation, result: SendResult): Promise<void> {
    const { key } = mutation;
    return this.#file.append([
      result === 'done' ? { op: 'done', key } : { op: 'conflict', key, reason: result.conflict },
    ]);
  }

  #backOff(): number {
    const { firstPauseMs = 1_000, maxPauseMs = 300_000 } = this.#options;
    const pause = Math.min(maxPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#notBefore = this.#clock.elapsed() + pause;
    return pause;
  }

  #refuseTooMuch(mutation: QueuedMutation): void {
    const { maxItems = 1_000, maxItemBytes = 262_144 } = this.#options;
    const bytes = Buffer.byteLength(JSON.stringify(mutation));
    const { size } = this.#file.state.waiting;
    if (size < maxItems && bytes <= maxItemBytes) return;
    const what =
      size < maxItems ? `it has ${bytes} bytes; at most ${maxItemBytes} are kept` : `${size} mutations wait already`;
    throw new GenieError('GENIE_QUEUE_FULL', `mutation "${mutation.key}" is not queued: ${what}`, {
      details: { key: mutation.key },
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(() => stored(this.#options.dir, work));
    this.#turn = next.catch(() => undefined);
    return next;
  }
}

async function stored<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (GenieError.isInstance(cause)) throw cause;
    throw new GenieError('GENIE_QUEUE_STORE', `the queue in ${dir} cannot be used: ${describeThrown(cause)}`, {
      cause,
    });
  }
}
