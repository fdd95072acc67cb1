/** Version of the stored form. A store with a higher one is refused, a lower one is migrated step by step. */
export const schemaVersion = 1;

/**
 * The schema of `knowledge.db`. `records.seq` is the insertion order and the rowid; `revision` numbers every change of the
 * store. Removed ids stay in `removals` (an id and a number, no content) so that every index can catch up.
 */
export const schemaSql = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  revision INTEGER NOT NULL,
  namespace TEXT NOT NULL,
  id TEXT NOT NULL,
  tier TEXT NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  status TEXT NOT NULL,
  importance REAL NOT NULL,
  confidence REAL NOT NULL,
  recorded_at INTEGER NOT NULL,
  retired_at INTEGER,
  retired_by TEXT,
  event_time INTEGER,
  valid_from INTEGER,
  valid_to INTEGER,
  subject TEXT,
  relation TEXT,
  object TEXT,
  speaker TEXT,
  source TEXT,
  run_id TEXT,
  step INTEGER,
  idempotency_key TEXT,
  data TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS records_id ON records (id, namespace);
CREATE INDEX IF NOT EXISTS records_revision ON records (namespace, revision);
CREATE UNIQUE INDEX IF NOT EXISTS records_key ON records (namespace, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_tier ON records (namespace, tier, seq) WHERE tier <> 'associative';
CREATE INDEX IF NOT EXISTS records_retired ON records (namespace, seq) WHERE status <> 'live';
CREATE INDEX IF NOT EXISTS records_source ON records (namespace, source) WHERE source IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_subject ON records (namespace, subject, relation) WHERE subject IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_run ON records (namespace, run_id) WHERE run_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS removals (
  namespace TEXT NOT NULL, revision INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (namespace, revision, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS forgotten (
  namespace TEXT NOT NULL, fingerprint TEXT NOT NULL, PRIMARY KEY (namespace, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
  namespace TEXT NOT NULL, model TEXT NOT NULL, id TEXT NOT NULL, dimension INTEGER NOT NULL, vector BLOB NOT NULL,
  PRIMARY KEY (namespace, model, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS vectors_id ON vectors (namespace, id);
CREATE TABLE IF NOT EXISTS outbox (
  namespace TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (namespace, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operations (
  namespace TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, undone_at INTEGER,
  PRIMARY KEY (namespace, id)
) STRICT, WITHOUT ROWID;
`;
