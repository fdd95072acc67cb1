import { createHash } from 'node:crypto';
import path from 'node:path';
import { finishCompaction, loadRollups } from './compact.ts';
import { parseLine, parseObservation } from './file-store-line.ts';
import { LineLog } from './line-log.ts';
import type { MetricsIndex } from './metrics-index.ts';
import type { RecordKind } from './metrics-store.ts';
import type { Observation } from './observation.ts';

export const observationsFile = 'observations.jsonl';
export const observationsFormat = 'genie.observations';

export const recordFiles: Readonly<Record<RecordKind, string>> = {
  evaluation: 'evaluations.jsonl',
  outcome: 'outcomes.jsonl',
  feedback: 'feedback.jsonl',
  change: 'changes.jsonl',
};

/**
 * The logs of a metrics folder and how far each has been read into the index. Every method but `close` must be called inside a transaction
 * of the index: its write lock is what keeps several processes apart.
 */
export class IndexedLogs {
  readonly #dir: string;
  readonly #index: MetricsIndex;
  readonly #logs = new Map<string, LineLog>();
  skippedLines = 0;

  constructor(dir: string, index: MetricsIndex) {
    this.#dir = dir;
    this.#index = index;
  }

  /** Opens what is not open, and makes the index anew when it does not fit the logs. */
  open(): void {
    finishCompaction(this.#dir, observationsFormat);
    for (const name of [observationsFile, ...Object.values(recordFiles)]) {
      if (!this.#logs.has(name)) this.#logs.set(name, LineLog.open(path.join(this.#dir, name), formatOf(name)));
    }
    if (![...this.#logs].every(([name, log]) => this.#fits(name, log))) this.#startOver();
    for (const name of this.#logs.keys()) this.get(name);
  }

  /** The log, with everything in it indexed: what another process appended, or what a process wrote and died before it was indexed. */
  get(name: string): LineLog {
    const log = this.#logs.get(name);
    const state = this.#index.getLog(name);
    if (log === undefined || state === undefined) throw new Error(`the log ${name} is not open`);
    if (state.next >= log.size()) return log;
    let last = -1;
    let lastLine = '';
    const next = log.scan(state.next, (line, position) => {
      if (!this.#indexLine(log, name, line, position)) this.skippedLines += 1;
      last = position;
      lastLine = line;
    });
    if (last >= 0) this.#index.setLog(name, { generation: log.generation, next, last, hash: hashOf(lastLine) });
    else this.#index.setLog(name, { ...state, next });
    return log;
  }

  /** Notes that a line was appended at a position and indexed. */
  advance(name: string, log: LineLog, last: number, line: string): void {
    const next = last + Buffer.byteLength(line) + 1;
    this.#index.setLog(name, { generation: log.generation, next, last, hash: hashOf(line) });
  }

  isStored(log: LineLog, id: string): boolean {
    return this.#index.positionsOfId(id).some((position) => parseObservation(log.readAt(position))?.id === id);
  }

  /** Opens the observations again when another process replaced the file by a compacted one. */
  followCompaction(): void {
    if (this.#index.getLog(observationsFile)?.generation === this.#logs.get(observationsFile)?.generation) return;
    this.#index.forgetSeries();
    this.reopenObservations();
  }

  reopenObservations(): void {
    void this.#logs.get(observationsFile)?.close();
    this.#logs.delete(observationsFile);
    this.open();
  }

  indexRecord(kind: RecordKind, line: string): boolean {
    const value = parseLine(line) as { id?: unknown; at?: unknown; body?: unknown } | undefined;
    if (typeof value?.id !== 'string' || typeof value.at !== 'number' || typeof value.body !== 'object') return false;
    this.#index.putRecord(kind, { id: value.id, at: value.at }, JSON.stringify(value.body));
    return true;
  }

  /** Resolves when what was appended to the log survives power loss. Needs no transaction. */
  async sync(name: string): Promise<void> {
    await this.#logs.get(name)?.sync();
  }

  async close(): Promise<void> {
    for (const log of this.#logs.values()) await log.close();
    this.#logs.clear();
  }

  #fits(name: string, log: LineLog): boolean {
    const state = this.#index.getLog(name);
    if (state === undefined) return false;
    if (state.generation !== log.generation || state.next > log.size()) return false;
    return state.last < 0 || hashOf(log.readAt(state.last)) === state.hash;
  }

  #startOver(): void {
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

  #indexLine(log: LineLog, name: string, line: string, position: number): boolean {
    if (name !== observationsFile) return this.indexRecord(kindOf(name), line);
    const one: Observation | undefined = parseObservation(line);
    if (one === undefined) return false;
    if (!this.isStored(log, one.id)) this.#index.addObservation(one, position);
    return true;
  }
}

function formatOf(name: string): string {
  return name === observationsFile ? observationsFormat : `genie.${name.replace('.jsonl', '')}`;
}

function kindOf(name: string): RecordKind {
  const found = Object.entries(recordFiles).find(([, file]) => file === name);
  if (found === undefined) throw new Error(`no kind of record is stored in ${name}`);
  return found[0] as RecordKind;
}

function hashOf(line: string): string {
  return createHash('sha256').update(line).digest('base64url').slice(0, 22);
}
