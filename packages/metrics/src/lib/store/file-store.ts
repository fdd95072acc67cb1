import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { type JsonObject, parseJson } from '@genie/core/ports';
import { compactFiles } from './compact.ts';
import { createDefinitionReader, saveDefinitionFile } from './definition-file.ts';
import { parseObservation } from './file-store-line.ts';
import { openIndexDatabase } from './index-schema.ts';
import { IndexedLogs, observationsFile, observationsFormat, recordFiles } from './indexed-logs.ts';
import { conflict } from './memory-store.ts';
import { MetricsIndex } from './metrics-index.ts';
import type {
  AppendResult,
  CompactReport,
  DayQuery,
  DefinitionSet,
  MetricsStore,
  ObservationQuery,
  RecordKind,
  RecordQuery,
  StoredRecord,
} from './metrics-store.ts';
import { localDay, type Observation } from './observation.ts';

export interface FileStoreOptions {
  /** The metrics folder, e.g. `<home>/memory/metrics`. Made when missing. */
  readonly dir: string;
  /** `power` (default): an append resolves when it survives power loss. `process`: when it survives the end of the process; faster. */
  readonly durability?: 'process' | 'power';
}

/** What reading the logs found. Lines that are no records (torn by a crash, edited by hand) are skipped and counted, never fatal. */
export interface FileStore extends MetricsStore {
  readonly skippedLines: number;
}

/**
 * The metrics folder as a store. Truth is in text: `definitions.json`, `observations.jsonl`, one `.jsonl` for each kind of record, and
 * `rollups.json` once raw observations were compacted. `index.db` can be deleted at any time. Several processes may use one folder:
 * appends are serialized by the index's write lock.
 *
 * Errors by code: `GENIE_METRICS_STORE`, `GENIE_METRICS_FORMAT`, `GENIE_METRICS_CONFLICT`, `GENIE_METRICS_CLOSED`.
 */
export function openFileStore(options: FileStoreOptions): FileStore {
  const dir = path.resolve(options.dir);
  return guard(dir, () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return new FileMetricsStore(dir, options.durability ?? 'power');
  });
}

class FileMetricsStore implements FileStore {
  readonly capabilities = { durable: true, compacts: true };
  readonly #dir: string;
  readonly #durability: 'process' | 'power';
  readonly #readDefinitions: () => DefinitionSet;
  readonly #index: MetricsIndex;
  readonly #logs: IndexedLogs;
  #closed = false;

  constructor(dir: string, durability: 'process' | 'power') {
    this.#dir = dir;
    this.#durability = durability;
    this.#readDefinitions = createDefinitionReader(dir);
    this.#index = new MetricsIndex(openIndexDatabase(path.join(dir, 'index.db')));
    this.#logs = new IndexedLogs(dir, this.#index);
    try {
      this.#index.transaction(() => this.#logs.open());
    } catch (error) {
      void this.#logs.close();
      this.#index.close();
      throw error;
    }
  }

  get skippedLines(): number {
    return this.#logs.skippedLines;
  }

  async loadDefinitions(): Promise<DefinitionSet> {
    this.#assertOpen();
    return guard(this.#dir, this.#readDefinitions);
  }

  async saveDefinitions(next: DefinitionSet): Promise<void> {
    this.#locked(() => {
      const stored = this.#readDefinitions().version;
      if (next.version !== stored + 1) throw conflict(next.version, stored);
      saveDefinitionFile(this.#dir, next);
    });
  }

  async append(observations: readonly Observation[]): Promise<readonly AppendResult[]> {
    const results = this.#locked(() => this.#append(observations));
    if (this.#durability === 'power' && results.includes('stored')) await this.#flush(observationsFile);
    return results;
  }

  async observations(query: ObservationQuery): Promise<readonly Observation[]> {
    return this.#locked(() => {
      const log = this.#logs.get(observationsFile);
      const found: Observation[] = [];
      for (const position of this.#index.positions(query)) {
        const one = parseObservation(log.readAt(position));
        // Positions are found by short hashes of runs; the line has the real one.
        if (one === undefined || (query.runId !== undefined && one.runId !== query.runId)) continue;
        if (query.kpiId === undefined || one.kpiId === query.kpiId) found.push(one);
      }
      return found.reverse();
    });
  }

  async days(query: DayQuery) {
    return this.#locked(() => {
      this.#logs.get(observationsFile);
      return this.#index.days(query);
    });
  }

  async put(kind: RecordKind, record: StoredRecord): Promise<boolean> {
    const name = recordFiles[kind];
    const stored = this.#locked(() => {
      const log = this.#logs.get(name);
      if (this.#index.records(kind, { id: record.id }).length > 0) return false;
      const line = JSON.stringify({ v: 1, id: record.id, at: record.at, body: record.body });
      const position = log.append(Buffer.from(`${line}\n`));
      this.#logs.indexRecord(kind, line);
      this.#logs.advance(name, log, position, line);
      return true;
    });
    // Records are decisions and verdicts: few, and always flushed.
    if (stored) await this.#flush(name);
    return stored;
  }

  async records(kind: RecordKind, query: RecordQuery = {}): Promise<readonly StoredRecord[]> {
    return this.#locked(() => {
      this.#logs.get(recordFiles[kind]);
      const rows = this.#index.records(kind, query).reverse();
      return rows.map(({ id, at, body }) => ({ id, at, body: parseJson(body) as JsonObject }));
    });
  }

  async compact(beforeDay: number): Promise<CompactReport> {
    return this.#locked(() => {
      const log = this.#logs.get(observationsFile);
      const firstRawDay = Math.max(beforeDay, this.#firstRawDay());
      const report = compactFiles({ dir: this.#dir, log, index: this.#index, firstRawDay, format: observationsFormat });
      this.#logs.reopenObservations();
      return report;
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#logs.close();
    this.#index.close();
  }

  #append(observations: readonly Observation[]): AppendResult[] {
    const log = this.#logs.get(observationsFile);
    const results = this.#sort(observations, (id) => this.#logs.isStored(log, id));
    const fresh = observations.filter((_one, index) => results[index] === 'stored');
    const lines = fresh.map((one) => JSON.stringify({ v: 1, ...one }));
    const last = lines.at(-1);
    if (last === undefined) return results;
    let position = log.append(Buffer.from(`${lines.join('\n')}\n`));
    let lastPosition = position;
    fresh.forEach((one, index) => {
      lastPosition = position;
      this.#index.addObservation(one, position);
      position += Buffer.byteLength(lines[index] ?? '') + 1;
    });
    this.#logs.advance(observationsFile, log, lastPosition, last);
    return results;
  }

  #sort(observations: readonly Observation[], isStored: (id: string) => boolean): AppendResult[] {
    const firstRawDay = this.#firstRawDay();
    const ids = new Set<string>();
    return observations.map((one) => {
      if (ids.has(one.id) || isStored(one.id)) return 'duplicate';
      if (localDay(one.at, one.offsetMinutes) < firstRawDay) return 'too-late';
      ids.add(one.id);
      return 'stored';
    });
  }

  async #flush(name: string): Promise<void> {
    try {
      await this.#logs.sync(name);
    } catch (error) {
      throw storeError(this.#dir, error);
    }
  }

  #firstRawDay(): number {
    return this.#index.getMeta('firstRawDay') ?? Number.MIN_SAFE_INTEGER;
  }

  /** Runs under the lock that all processes of the folder share. */
  #locked<Result>(work: () => Result): Result {
    this.#assertOpen();
    return guard(this.#dir, () =>
      this.#index.transaction(() => {
        this.#logs.followCompaction();
        return work();
      }),
    );
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw new GenieError(
      'GENIE_METRICS_CLOSED',
      `The metrics store in ${this.#dir} is closed. Open it again with openMetrics.`,
    );
  }
}

function guard<Result>(dir: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw storeError(dir, error);
  }
}

function storeError(dir: string, error: unknown): GenieError {
  if (GenieError.isInstance(error)) return error;
  const message = `The metrics store in ${dir} failed: ${describeThrown(error)}. Check free space, permissions and the disk.`;
  return new GenieError('GENIE_METRICS_STORE', message, { cause: error, details: { dir } });
}
