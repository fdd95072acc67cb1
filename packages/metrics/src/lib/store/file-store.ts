import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { type JsonObject, parseJson } from '@genie/core/ports';
import { compactFiles, finishCompaction, loadRollups } from './compact.ts';
import { createDefinitionReader, saveDefinitionFile } from './definition-file.ts';
import { parseLine, parseObservation } from './file-store-line.ts';
import { openIndexDatabase } from './index-schema.ts';
import { LineLog } from './line-log.ts';
import { conflict } from './memory-store.ts';
import { MetricsIndex } from './metrics-index.ts';
import type { AppendResult, DefinitionSet, MetricsStore, RecordKind, StoredRecord } from './metrics-store.ts';
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

const recordFiles: Readonly<Record<RecordKind, string>> = {
  evaluation: 'evaluations.jsonl',
  outcome: 'outcomes.jsonl',
  feedback: 'feedback.jsonl',
  change: 'changes.jsonl',
};
const observationsFormat = 'genie.observations';

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
  readonly #index: MetricsIndex;
  readonly #readDefinitions: () => DefinitionSet;
  readonly #logs = new Map<string, LineLog>();
  #skippedLines = 0;
  #closed = false;

  constructor(dir: string, durability: 'process' | 'power') {
    this.#dir = dir;
    this.#durability = durability;
    this.#readDefinitions = createDefinitionReader(dir);
    this.#index = new MetricsIndex(openIndexDatabase(path.join(dir, 'index.db')).database);
    try {
      this.#index.transaction(() => this.#openLogs());
    } catch (error) {
      for (const log of this.#logs.values()) void log.close();
      this.#index.close();
      throw error;
    }
  }

  get skippedLines(): number {
    return this.#skippedLines;
  }

  async loadDefinitions() {
    this.#assertOpen();
    return guard(this.#dir, this.#readDefinitions);
  }

  async saveDefinitions(next: Parameters<MetricsStore['saveDefinitions']>[0]) {
    this.#write(() => {
      const stored = this.#readDefinitions().version;
      if (next.version !== stored + 1) throw conflict(next.version, stored);
      saveDefinitionFile(this.#dir, next);
    });
  }

  async append(observations: readonly Observation[]) {
    const results = this.#write(() => {
      const log = this.#log('observations.jsonl');
      this.#catchUp(log, 'observations.jsonl');
      return this.#appendObservations(log, observations);
    });
    if (this.#durability === 'power' && results.includes('stored')) await this.#log('observations.jsonl').sync();
    return results;
  }

  async observations(query: Parameters<MetricsStore['observations']>[0]) {
    return this.#write(() => {
      const log = this.#log('observations.jsonl');
      this.#catchUp(log, 'observations.jsonl');
      const found: Observation[] = [];
      for (const position of this.#index.positions(query)) {
        const one = parseObservation(log.readAt(position));
        if (one === undefined || (query.runId !== undefined && one.runId !== query.runId)) continue;
        if (query.kpiId === undefined || one.kpiId === query.kpiId) found.push(one);
      }
      return found.reverse();
    });
  }

  async days(query: Parameters<MetricsStore['days']>[0]) {
    return this.#write(() => {
      this.#catchUp(this.#log('observations.jsonl'), 'observations.jsonl');
      return this.#index.days(query);
    });
  }

  async put(kind: RecordKind, record: StoredRecord) {
    const name = recordFiles[kind];
    const stored = this.#write(() => {
      const log = this.#log(name);
      this.#catchUp(log, name);
      if (this.#index.records(kind, { id: record.id }).length > 0) return false;
      const line = JSON.stringify({ v: 1, id: record.id, at: record.at, body: record.body });
      const position = log.append(Buffer.from(`${line}\n`));
      this.#indexRecord(kind, line);
      this.#advance(log, name, position, line);
      return true;
    });
    // Records are decisions and verdicts: few, and always flushed.
    if (stored) await this.#log(name).sync();
    return stored;
  }

  async records(kind: RecordKind, query: Parameters<MetricsStore['records']>[1] = {}) {
    return this.#write(() => {
      this.#catchUp(this.#log(recordFiles[kind]), recordFiles[kind]);
      const rows = this.#index.records(kind, query).reverse();
      return rows.map(({ id, at, body }) => ({ id, at, body: parseJson(body) as JsonObject }));
    });
  }

  async compact(beforeDay: number) {
    return this.#write(() => {
      const log = this.#log('observations.jsonl');
      this.#catchUp(log, 'observations.jsonl');
      const firstRawDay = Math.max(beforeDay, this.#index.getMeta('firstRawDay') ?? Number.MIN_SAFE_INTEGER);
      const report = compactFiles({ dir: this.#dir, log, index: this.#index, firstRawDay, format: observationsFormat });
      void log.close();
      this.#logs.delete('observations.jsonl');
      this.#openLogs();
      return report;
    });
  }

  async close() {
    if (this.#closed) return;
    this.#closed = true;
    for (const log of this.#logs.values()) await log.close();
    this.#index.close();
  }

  #appendObservations(log: LineLog, observations: readonly Observation[]): AppendResult[] {
    const firstRawDay = this.#index.getMeta('firstRawDay') ?? Number.MIN_SAFE_INTEGER;
    const batchIds = new Set<string>();
    const results = observations.map((one): AppendResult => {
      if (batchIds.has(one.id) || this.#isStored(log, one.id)) return 'duplicate';
      if (localDay(one.at, one.offsetMinutes) < firstRawDay) return 'too-late';
      batchIds.add(one.id);
      return 'stored';
    });
    const fresh = observations.filter((_one, index) => results[index] === 'stored');
    const lines = fresh.map((one) => Buffer.from(`${JSON.stringify({ v: 1, ...one })}\n`));
    const bytes = Buffer.concat(lines);
    if (bytes.length === 0) return results;
    const start = log.append(bytes);
    let position = start;
    fresh.forEach((one, index) => {
      this.#index.addObservation(one, position);
      position += lines[index]?.length ?? 0;
    });
    const last = lines.at(-1) as Buffer;
    this.#advance(log, 'observations.jsonl', position - last.length, last.toString('utf8', 0, last.length - 1));
    return results;
  }

  #isStored(log: LineLog, id: string): boolean {
    return this.#index.positionsOfId(id).some((position) => parseObservation(log.readAt(position))?.id === id);
  }

  /** Opens what is not open, and makes the index anew when it does not fit the logs. Runs under the lock. */
  #openLogs(): void {
    finishCompaction(this.#dir, observationsFormat);
    for (const name of ['observations.jsonl', ...Object.values(recordFiles)]) {
      if (!this.#logs.has(name)) this.#logs.set(name, LineLog.open(path.join(this.#dir, name), formatOf(name)));
    }
    const fits = [...this.#logs].every(([name, log]) => this.#fits(name, log));
    if (!fits) this.#rebuild();
    for (const [name, log] of this.#logs) this.#catchUp(log, name);
  }

  #fits(name: string, log: LineLog): boolean {
    const state = this.#index.getLog(name);
    if (state === undefined) return false;
    if (state.generation !== log.generation || state.next > log.size()) return false;
    return state.last < 0 || hashOf(log.readAt(state.last)) === state.hash;
  }

  #rebuild(): void {
    this.#index.clear();
    const rollups = loadRollups(this.#dir);
    if (rollups !== undefined) {
      this.#index.setMeta('firstRawDay', rollups.firstRawDay);
      for (const one of rollups.days) this.#index.addRollup(one);
    }
    for (const [name, log] of this.#logs) {
      this.#index.setLog(name, { generation: log.generation, next: 0, last: -1, hash: '' });
    }
  }

  /** Reads what another process appended, or what a process wrote and died before it was indexed. */
  #catchUp(log: LineLog, name: string): void {
    const state = this.#index.getLog(name);
    if (state === undefined) throw new Error(`the index knows no log ${name}`);
    if (state.next >= log.size()) return;
    let last = -1;
    let lastLine = '';
    const next = log.scan(state.next, (line, position) => {
      if (!this.#indexLine(log, name, line, position)) this.#skippedLines += 1;
      last = position;
      lastLine = line;
    });
    if (last >= 0) this.#index.setLog(name, { generation: log.generation, next, last, hash: hashOf(lastLine) });
    else this.#index.setLog(name, { ...state, next });
  }

  #indexLine(log: LineLog, name: string, line: string, position: number): boolean {
    if (name !== 'observations.jsonl') return this.#indexRecord(kindOf(name), line);
    const one = parseObservation(line);
    if (one === undefined) return false;
    if (!this.#isStored(log, one.id)) this.#index.addObservation(one, position);
    return true;
  }

  #indexRecord(kind: RecordKind, line: string): boolean {
    const value = parseLine(line) as { id?: unknown; at?: unknown; body?: unknown } | undefined;
    if (typeof value?.id !== 'string' || typeof value.at !== 'number' || typeof value.body !== 'object') return false;
    this.#index.putRecord(kind, { id: value.id, at: value.at }, JSON.stringify(value.body));
    return true;
  }

  #advance(log: LineLog, name: string, last: number, line: string): void {
    const next = last + Buffer.byteLength(line) + 1;
    this.#index.setLog(name, { generation: log.generation, next, last, hash: hashOf(line) });
  }

  #log(name: string): LineLog {
    const log = this.#logs.get(name);
    if (log === undefined) throw new Error(`the log ${name} is not open`);
    return log;
  }

  #write<Result>(work: () => Result): Result {
    this.#assertOpen();
    return guard(this.#dir, () =>
      this.#index.transaction(() => {
        // Another process may have compacted since: its new file has another generation.
        const stale =
          this.#index.getLog('observations.jsonl')?.generation !== this.#log('observations.jsonl').generation;
        if (stale) {
          void this.#log('observations.jsonl').close();
          this.#logs.delete('observations.jsonl');
          this.#index.forgetSeries();
          this.#openLogs();
        }
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
    if (GenieError.isInstance(error)) throw error;
    const message = `The metrics store in ${dir} failed: ${describeThrown(error)}. Check free space, permissions and the disk.`;
    throw new GenieError('GENIE_METRICS_STORE', message, { cause: error, details: { dir } });
  }
}

function formatOf(name: string): string {
  return name === 'observations.jsonl' ? observationsFormat : `genie.${name.replace('.jsonl', '')}`;
}

function kindOf(name: string): RecordKind {
  const found = Object.entries(recordFiles).find(([, file]) => file === name);
  if (found === undefined) throw new Error(`no kind of record is stored in ${name}`);
  return found[0] as RecordKind;
}

function hashOf(line: string): string {
  return createHash('sha256').update(line).digest('base64url').slice(0, 22);
}
