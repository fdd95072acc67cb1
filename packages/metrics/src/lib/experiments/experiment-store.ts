import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type {
  ExperimentChange,
  ExperimentMetric,
  ExperimentReport,
  ExperimentRow,
  ExperimentState,
  SandboxEvent,
} from './experiment.ts';

/** The records of experiments, apart from the genie's own: three tables, in a database of their own. */
export interface ExperimentStore {
  save(row: ExperimentRow): Promise<void>;
  get(id: string): Promise<ExperimentRow | undefined>;
  /** Oldest first. */
  list(): Promise<readonly ExperimentRow[]>;
  addMetrics(metrics: readonly ExperimentMetric[]): Promise<void>;
  metrics(experimentId: string): Promise<readonly ExperimentMetric[]>;
  addEvent(event: SandboxEvent): Promise<void>;
  /** Oldest first. */
  history(experimentId?: string): Promise<readonly SandboxEvent[]>;
  close(): Promise<void>;
}

const schema = `
  CREATE TABLE IF NOT EXISTS experiments (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, state TEXT NOT NULL, folder TEXT NOT NULL, requested_by TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, change TEXT NOT NULL, report TEXT, error TEXT
  );
  CREATE TABLE IF NOT EXISTS experiment_metrics (
    experiment_id TEXT NOT NULL REFERENCES experiments (id), case_id TEXT NOT NULL, variant TEXT NOT NULL, kpi_id TEXT NOT NULL,
    value REAL, grade TEXT NOT NULL, reason TEXT, PRIMARY KEY (experiment_id, case_id, variant, kpi_id)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sandbox_history (
    id INTEGER PRIMARY KEY, experiment_id TEXT NOT NULL, event TEXT NOT NULL, folder TEXT NOT NULL, bytes INTEGER, at INTEGER NOT NULL
  );
`;

/** Records in `experiments.db`. Every write survives power loss when it resolves. */
export function openExperimentStore(dir: string): ExperimentStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path.join(dir, 'experiments.db'));
  database.exec('PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec(schema);
  let open = true;
  return {
    async save(row) {
      const { id, title, state, folder, requestedBy, createdAt, updatedAt, change, report, error } = row;
      database
        .prepare('INSERT OR REPLACE INTO experiments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(
          id,
          title,
          state,
          folder,
          requestedBy,
          createdAt,
          updatedAt,
          JSON.stringify(change),
          report ? JSON.stringify(report) : null,
          error ?? null,
        );
    },
    async get(id) {
      const row = database.prepare('SELECT * FROM experiments WHERE id = ?').get(id);
      return row === undefined ? undefined : toRow(row as unknown as RawRow);
    },
    async list() {
      return database
        .prepare('SELECT * FROM experiments ORDER BY created_at, id')
        .all()
        .map((row) => toRow(row as unknown as RawRow));
    },
    async addMetrics(metrics) {
      database.exec('BEGIN IMMEDIATE');
      const insert = database.prepare('INSERT OR REPLACE INTO experiment_metrics VALUES (?, ?, ?, ?, ?, ?, ?)');
      for (const { experimentId, caseId, variant, kpiId, value, grade, reason } of metrics) {
        insert.run(experimentId, caseId, variant, kpiId, value ?? null, grade, reason ?? null);
      }
      database.exec('COMMIT');
    },
    async metrics(experimentId) {
      const rows = database.prepare('SELECT * FROM experiment_metrics WHERE experiment_id = ?').all(experimentId);
      return rows.map((row) => toMetric(row as unknown as RawMetric));
    },
    async addEvent({ experimentId, event, folder, bytes, at }) {
      const sql = 'INSERT INTO sandbox_history (experiment_id, event, folder, bytes, at) VALUES (?, ?, ?, ?, ?)';
      database.prepare(sql).run(experimentId, event, folder, bytes ?? null, at);
    },
    async history(experimentId) {
      const where = experimentId === undefined ? '' : 'WHERE experiment_id = ?';
      const rows = database
        .prepare(`SELECT * FROM sandbox_history ${where} ORDER BY id`)
        .all(...(experimentId === undefined ? [] : [experimentId]));
      return rows.map((row) => toEvent(row as unknown as RawEvent));
    },
    async close() {
      if (open) database.close();
      open = false;
    },
  };
}

interface RawRow {
  readonly id: string;
  readonly title: string;
  readonly state: ExperimentState;
  readonly folder: string;
  readonly requested_by: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly change: string;
  readonly report: string | null;
  readonly error: string | null;
}

function toRow(raw: RawRow): ExperimentRow {
  return {
    id: raw.id,
    title: raw.title,
    state: raw.state,
    folder: raw.folder,
    requestedBy: raw.requested_by,
    createdAt: raw.created_at,
    updatedAt: raw.updated_at,
    change: JSON.parse(raw.change) as ExperimentChange,
    ...(raw.report === null ? {} : { report: JSON.parse(raw.report) as ExperimentReport }),
    ...(raw.error === null ? {} : { error: raw.error }),
  };
}

interface RawMetric {
  readonly experiment_id: string;
  readonly case_id: string;
  readonly variant: ExperimentMetric['variant'];
  readonly kpi_id: string;
  readonly value: number | null;
  readonly grade: string;
  readonly reason: string | null;
}

function toMetric(raw: RawMetric): ExperimentMetric {
  return {
    experimentId: raw.experiment_id,
    caseId: raw.case_id,
    variant: raw.variant,
    kpiId: raw.kpi_id,
    grade: raw.grade,
    ...(raw.value === null ? {} : { value: raw.value }),
    ...(raw.reason === null ? {} : { reason: raw.reason }),
  };
}

interface RawEvent {
  readonly experiment_id: string;
  readonly event: SandboxEvent['event'];
  readonly folder: string;
  readonly bytes: number | null;
  readonly at: number;
}

function toEvent(raw: RawEvent): SandboxEvent {
  const { experiment_id: experimentId, event, folder, bytes, at } = raw;
  return { experimentId, event, folder, at, ...(bytes === null ? {} : { bytes }) };
}
