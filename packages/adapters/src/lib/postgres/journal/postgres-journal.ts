import {
  type CompactOptions,
  checkRunId,
  type Journal,
  type JournalRecord,
  type JournalRun,
  type RunJournal,
  runIsOpen,
} from '@genie/core/journal';
import type { JsonObject } from '@genie/core/ports';
import type { Database } from '../database.ts';
import { codeOf, guarded } from '../describe-failure.ts';
import type { SqlSession } from '../postgres-client.ts';
import type { Presence } from '../presence.ts';
import { toJsonText } from '../storable-text.ts';
import { type HeldRun, holdRun, readRecords } from './hold-run.ts';
import type { JournalWriter } from './journal-writer.ts';
import type { RunSummary } from './record-batch.ts';
import type { RunHandles } from './run-handles.ts';

export interface PostgresJournalDeps {
  readonly database: Database;
  readonly presence: Presence;
  /** Shared by all genies of this process: their runs share commits. */
  readonly writer: JournalWriter;
  readonly handles: RunHandles;
  readonly genie: string;
}

const dayMs = 24 * 60 * 60 * 1000;

/** The runs of one genie in the database. A settled record survives the process, and a power cut where the server syncs its disk. */
export function createPostgresJournal(deps: PostgresJournalDeps): Journal {
  const { database, handles, writer, genie } = deps;
  const read = <Result>(what: string, work: (session: SqlSession) => Promise<Result>): Promise<Result> =>
    guarded('GENIE_JOURNAL_FAILED', what, async () => {
      await handles.settled();
      await writer.flushed();
      return database.transaction(work);
    });
  return {
    capabilities: { durability: 'power' },
    async open(runId) {
      checkRunId(runId);
      await handles.released(genie, runId);
      if (handles.isHeld(genie, runId)) throw runIsOpen(runId);
      const forget = handles.reserve(genie, runId);
      try {
        const held = await guarded('GENIE_JOURNAL_FAILED', `open run "${runId}"`, () => takeRun(deps, runId));
        return openRun(deps, runId, held);
      } catch (error) {
        forget();
        throw error;
      }
    },
    list: () => read('list the runs', (session) => listRuns(session, database, genie)),
    read: (runId) =>
      read(`read run "${runId}"`, async (session) => (await readRecords(session, { database, genie, runId })).recorded),
    compact: (options = {}) =>
      read('drop old runs', (session) => compactRuns(session, { database, genie, options, now: Date.now() })),
    close: () => writer.flushed(),
  };
}

/** A late record of the former holder may take the place of the mark; then it belongs to the run, and the next place is tried. */
async function takeRun(deps: PostgresJournalDeps, runId: string): Promise<HeldRun> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.database.transaction((session) => holdRun(session, { ...deps, runId }));
    } catch (error) {
      if (codeOf(error) !== '23505' || attempt === 20) throw error;
    }
  }
}

function openRun(deps: PostgresJournalDeps, runId: string, held: HeldRun): RunJournal {
  const { writer, handles, genie } = deps;
  const { generation, recorded } = held;
  const handle = handles.hold(genie, runId, generation);
  let next = held.next;
  let isDirty = false;
  return {
    runId,
    recorded,
    append(record) {
      handle.assertWritable();
      const summary = summaryOf(record);
      const body = toJsonText(record);
      writer.append({ genie, runId, seq: next, generation, body, ...(summary ? { summary } : {}) });
      next += 1;
      isDirty = true;
    },
    settled() {
      if (handle.failure) return Promise.reject(handle.failure);
      if (!isDirty) return undefined;
      const upTo = next;
      return writer.flushed().then(() => {
        if (handle.failure) throw handle.failure;
        if (upTo === next) isDirty = false;
      });
    },
    release: () => handle.release(),
  };
}

function summaryOf(record: JournalRecord): RunSummary | undefined {
  if (record.kind === 'opened') return { kind: 'opened', at: record.at, meta: toJsonText(record.meta) };
  if (record.kind !== 'closed') return undefined;
  const { at, status, outcome } = record;
  return { kind: 'closed', at, closed: toJsonText({ at, status, outcome }) };
}

async function listRuns(session: SqlSession, { tables, tenant }: Database, genie: string): Promise<JournalRun[]> {
  const { rows } = await session.query(
    `SELECT run_id, opened_at, meta, closed FROM ${tables.runs} r WHERE tenant = $1 AND genie = $2
       AND EXISTS (SELECT 1 FROM ${tables.runRecords} i WHERE i.tenant = $1 AND i.genie = $2 AND i.run_id = r.run_id AND i.body IS NOT NULL)
     ORDER BY coalesce(opened_at, 0), run_id`,
    [tenant, genie],
  );
  return rows.map(
    (row): JournalRun => ({
      runId: row.run_id as string,
      status: row.closed === null ? 'open' : 'closed',
      openedAt: (row.opened_at as number | null) ?? 0,
      meta: row.meta === null ? {} : (JSON.parse(row.meta as string) as JsonObject),
      ...(row.closed === null ? {} : { closed: JSON.parse(row.closed as string) as NonNullable<JournalRun['closed']> }),
    }),
  );
}

interface Compaction {
  readonly database: Database;
  readonly genie: string;
  readonly options: CompactOptions;
  readonly now: number;
}

async function compactRuns(session: SqlSession, { database, genie, options, now }: Compaction): Promise<number> {
  const { tables, tenant } = database;
  const { keepClosedRuns = 1_000, maxAgeMs = 90 * dayMs } = options;
  const { rows } = await session.query(
    `DELETE FROM ${tables.runs} WHERE tenant = $1 AND genie = $2 AND run_id IN (
       SELECT run_id FROM (
         SELECT run_id, holder, closed_at, row_number() OVER (ORDER BY closed_at DESC, run_id DESC) AS place
         FROM ${tables.runs} WHERE tenant = $1 AND genie = $2 AND closed_at IS NOT NULL) AS closed
       WHERE holder IS NULL AND (place > $3 OR closed_at < $4))
     RETURNING run_id`,
    [tenant, genie, keepClosedRuns, now - maxAgeMs],
  );
  const runIds = rows.map((row) => row.run_id as string);
  if (runIds.length > 0) {
    await session.query(
      `DELETE FROM ${tables.runRecords} WHERE tenant = $1 AND genie = $2 AND run_id = ANY($3::text[])`,
      [tenant, genie, runIds],
    );
  }
  return runIds.length;
}
