import { GenieError } from '../genie-error.ts';

/** Deltas wait for a slow reader beyond this many queued events. */
const highWaterMark = 4_096;

/**
 * A queue between one producer and one reader. Events wait until they are read; the reader gets each once.
 * Iterating costs one promise an event, and none of a generator's machinery.
 */
export class EventStream<Event> implements AsyncIterable<Event> {
  #queue: Event[] = [];
  #head = 0;
  readonly #waiting: ((result: IteratorResult<Event, undefined>) => void)[] = [];
  #ended = false;
  #locked = false;
  #drained: (() => void) | undefined;
  #abandoned = false;

  /** True once somebody iterates: only then does a model need to be streamed. */
  get isRead(): boolean {
    return this.#locked && !this.#abandoned;
  }

  push(event: Event): void {
    if (this.#waiting.length > 0) {
      this.#waiting.shift()?.({ value: event, done: false });
    } else if (!this.#abandoned) {
      this.#queue.push(event);
    }
  }

  end(): void {
    this.#ended = true;
    for (const resolve of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  /** Back-pressure: a promise while the reader is far behind, else undefined. */
  ready(): Promise<void> | undefined {
    if (!this.#locked || this.#abandoned || this.#queue.length - this.#head < highWaterMark) return undefined;
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Throws `GENIE_STREAM_READ` when the stream already has a reader. */
  [Symbol.asyncIterator](): AsyncIterator<Event, undefined> {
    if (this.#locked) {
      throw new GenieError(
        'GENIE_STREAM_READ',
        'These events are already being read. Iterate a handle once, or subscribe to genie.events.',
      );
    }
    this.#locked = true;
    return { next: () => this.#next(), return: () => this.#abandon() };
  }

  #next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#head < this.#queue.length) {
      const value = this.#queue[this.#head] as Event;
      this.#head += 1;
      if (this.#head === this.#queue.length) {
        this.#queue = [];
        this.#head = 0;
        this.#drained?.();
        this.#drained = undefined;
      }
      return Promise.resolve({ value, done: false });
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** The reader left its loop. The run goes on; its result is still awaited elsewhere. */
  #abandon(): Promise<IteratorResult<Event, undefined>> {
    this.#abandoned = true;
    this.#queue = [];
    this.#head = 0;
    this.#drained?.();
    return Promise.resolve({ value: undefined, done: true });
  }
}
