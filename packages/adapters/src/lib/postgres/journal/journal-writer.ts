import { GenieError } from '@genie/core/errors';
import { type Database, pause } from '../database.ts';
import { codeOf, describeFailure, isPassing } from '../describe-failure.ts';
import { insertPart, insertRecords } from './insert-records.ts';
import { type PendingRecord, partsOf, type RunPart } from './record-batch.ts';

/** Told about a run whose records cannot be written any more. */
export type OnRunFailed = (part: RunPart, error: GenieError) => void;

export interface JournalWriter {
  append(record: PendingRecord): void;
  /** Resolves when everything appended before has been written, or its run was told that it failed. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

export interface JournalWriterOptions {
  readonly database: Database;
  readonly onRunFailed: OnRunFailed;
  /** How long a batch is tried again after a lost connection. */
  readonly retryMs: number;
}

const maxBatchRecords = 2_000;
const maxBatchBytes = 8_000_000;

/**
 * Group commit: while one batch is on its way, the records of all runs gather for the next one, so a hundred runs share one commit. One batch at a time
 * keeps the order of every run.
 */
export function createJournalWriter({ database, onRunFailed, retryMs }: JournalWriterOptions): JournalWriter {
  let queue: PendingRecord[] = [];
  let waiting: (() => void)[] = [];
  let working: Promise<void> | undefined;

  function start(): void {
    if (working !== undefined) return;
    working = new Promise<void>((resolve) => setImmediate(resolve)).then(drain).finally(() => {
      working = undefined;
      if (queue.length > 0 || waiting.length > 0) start();
    });
  }

  async function drain(): Promise<void> {
    while (queue.length > 0 || waiting.length > 0) {
      const done = waiting;
      waiting = [];
      const batch = queue;
      queue = [];
      for (const slice of slices(batch)) await writeBatch(slice);
      for (const resolve of done) resolve();
    }
  }

  async function writeBatch(batch: readonly PendingRecord[]): Promise<void> {
    try {
      await database.transaction((session) => insertRecords(session, database, batch));
    } catch (error) {
      // Part by part: what is wrong with one run must not take the others with it.
      for (const part of partsOf(batch)) await writePart(part, error);
    }
  }

  async function writePart(part: RunPart, earlier: unknown): Promise<void> {
    const until = performance.now() + retryMs;
    let last = earlier;
    for (let delayMs = 20; ; delayMs = Math.min(delayMs * 2, 1_000)) {
      try {
        const outcome = await database.transaction((session) => insertPart(session, database, part));
        if (outcome === 'fenced') onRunFailed(part, fencedError(part));
        return;
      } catch (error) {
        last = error;
        // A place that was taken in between: look again who took it.
        const again = isPassing(error) || codeOf(error) === '23505';
        if (!again || performance.now() + delayMs > until) break;
        await pause(delayMs);
      }
    }
    onRunFailed(part, failedError(part, last));
  }

  return {
    append(record) {
      queue.push(record);
      start();
    },
    flushed() {
      if (queue.length === 0 && working === undefined) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
        start();
      });
    },
    async close() {
      while (working !== undefined) await working;
    },
  };
}

function* slices(batch: readonly PendingRecord[]): Generator<readonly PendingRecord[]> {
  let start = 0;
  let bytes = 0;
  for (const [index, record] of batch.entries()) {
    const isFull = index - start >= maxBatchRecords || bytes + record.body.length > maxBatchBytes;
    if (isFull && index > start) {
      yield batch.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += record.body.length;
  }
  if (start < batch.length) yield batch.slice(start);
}

function fencedError(part: RunPart): GenieError {
  return new GenieError(
    'GENIE_JOURNAL_FAILED',
    `Run "${part.runId}" was taken over by another process, because this one seemed to be gone. Nothing more of it is written here.`,
    { details: { runId: part.runId, generation: part.generation, reason: 'fenced' } },
  );
}

function failedError(part: RunPart, cause: unknown): GenieError {
  return new GenieError(
    'GENIE_JOURNAL_FAILED',
    `The journal of run "${part.runId}" cannot be written: ${describeFailure(cause)}.`,
    { cause, details: { runId: part.runId, sqlState: codeOf(cause) } },
  );
}
