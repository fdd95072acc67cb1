import { firstTableNames } from '../tables.ts';
import { rowSecurity } from './row-security.ts';

const key = 'text COLLATE "C" NOT NULL';
const owner = `tenant ${key}, genie ${key}`;

/** All tables of version 1. Ids and names are keys made by `toKey`; bodies are JSON text, which holds any string. */
export function firstTables(schema: string): readonly string[] {
  const t = (name: string): string => `"${schema}"."${name}"`;
  return [
    `CREATE TABLE ${t('holders')} (
      tenant ${key}, id ${key}, lock_key bigint NOT NULL, server_started timestamptz NOT NULL, seen_at timestamptz NOT NULL,
      ttl_ms integer NOT NULL, PRIMARY KEY (tenant, id))`,
    `CREATE TABLE ${t('runs')} (
      ${owner}, run_id ${key}, generation integer NOT NULL, holder text COLLATE "C",
      opened_at double precision, meta text, closed_at double precision, closed text, PRIMARY KEY (tenant, genie, run_id))`,
    `CREATE INDEX runs_closed ON ${t('runs')} (tenant, genie, closed_at) WHERE closed_at IS NOT NULL`,
    `CREATE TABLE ${t('run_records')} (
      ${owner}, run_id ${key}, seq integer NOT NULL, generation integer NOT NULL, body text,
      PRIMARY KEY (tenant, genie, run_id, seq))`,
    `CREATE TABLE ${t('approvals')} (
      ${owner}, id ${key}, number bigserial NOT NULL, claim_key ${key}, body text NOT NULL, settlement text, used_at double precision,
      PRIMARY KEY (tenant, genie, id))`,
    `CREATE INDEX approvals_claim ON ${t('approvals')} (tenant, genie, claim_key, number DESC)`,
    `CREATE TABLE ${t('grants')} (
      ${owner}, id ${key}, number bigserial NOT NULL, body text, revoked boolean NOT NULL DEFAULT false, PRIMARY KEY (tenant, genie, id))`,
    `CREATE TABLE ${t('leases')} (
      tenant ${key}, key ${key}, holder ${key}, generation bigint NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (tenant, key))`,
    ...memoryTables(t),
    ...metricTables(t),
    `CREATE TABLE ${t('schedules')} (
      ${owner}, body text NOT NULL, next_at double precision, decided_until double precision NOT NULL, PRIMARY KEY (tenant, genie))`,
    `CREATE INDEX schedules_next ON ${t('schedules')} (tenant, next_at) WHERE next_at IS NOT NULL`,
    `CREATE TABLE ${t('wakes')} (
      tenant ${key}, id ${key}, genie ${key}, due_at double precision NOT NULL, action text NOT NULL, late_ms double precision NOT NULL DEFAULT 0,
      queued_at timestamptz NOT NULL DEFAULT clock_timestamp(), accepted_at timestamptz, accepted_by text, done_at timestamptz,
      PRIMARY KEY (tenant, id))`,
    `CREATE INDEX wakes_genie ON ${t('wakes')} (tenant, genie, due_at)`,
    ...firstTableNames.flatMap((name) => rowSecurity(t(name))),
  ];
}

function memoryTables(t: (name: string) => string): readonly string[] {
  const space = `${owner}, namespace ${key}`;
  return [
    `CREATE TABLE ${t('memory_state')} (${owner}, identity text NOT NULL, revision bigint NOT NULL, PRIMARY KEY (tenant, genie))`,
    `CREATE TABLE ${t('memories')} (
      ${space}, id ${key}, seq bigserial NOT NULL, revision bigint NOT NULL, tier text NOT NULL, kind ${key}, status text NOT NULL,
      happened_at double precision NOT NULL, subject text COLLATE "C", relation text COLLATE "C", source text COLLATE "C",
      run_id text COLLATE "C", idempotency_key text COLLATE "C", body text NOT NULL, words tsvector,
      PRIMARY KEY (tenant, genie, namespace, id))`,
    `CREATE INDEX memories_seq ON ${t('memories')} (tenant, genie, namespace, seq)`,
    `CREATE INDEX memories_revision ON ${t('memories')} (tenant, genie, namespace, revision)`,
    `CREATE UNIQUE INDEX memories_key ON ${t('memories')} (tenant, genie, namespace, idempotency_key) WHERE idempotency_key IS NOT NULL`,
    `CREATE INDEX memories_subject ON ${t('memories')} (tenant, genie, namespace, subject, relation) WHERE subject IS NOT NULL`,
    `CREATE INDEX memories_words ON ${t('memories')} USING gin (words)`,
    `CREATE TABLE ${t('memory_removals')} (${space}, revision bigint NOT NULL, id ${key}, original text NOT NULL,
      PRIMARY KEY (tenant, genie, namespace, revision, id))`,
    `CREATE TABLE ${t('memory_forgotten')} (${space}, fingerprint ${key}, PRIMARY KEY (tenant, genie, namespace, fingerprint))`,
    `CREATE TABLE ${t('memory_vectors')} (${space}, model ${key}, id ${key}, original text NOT NULL, vector bytea NOT NULL,
      PRIMARY KEY (tenant, genie, namespace, model, id))`,
    `CREATE TABLE ${t('memory_outbox')} (${space}, id ${key}, body text NOT NULL, PRIMARY KEY (tenant, genie, namespace, id))`,
    `CREATE TABLE ${t('memory_operations')} (${space}, id ${key}, at double precision NOT NULL, body text NOT NULL,
      PRIMARY KEY (tenant, genie, namespace, id))`,
  ];
}

function metricTables(t: (name: string) => string): readonly string[] {
  const day = `${owner}, kpi ${key}, unit ${key}, day integer NOT NULL`;
  return [
    `CREATE TABLE ${t('metric_state')} (${owner}, first_raw_day integer, PRIMARY KEY (tenant, genie))`,
    `CREATE TABLE ${t('kpi_definitions')} (${owner}, version integer NOT NULL, body text NOT NULL, PRIMARY KEY (tenant, genie))`,
    `CREATE TABLE ${t('observations')} (${owner}, id ${key}, kpi ${key}, run_id text COLLATE "C", at double precision NOT NULL,
      number bigserial NOT NULL, day integer NOT NULL, body text, PRIMARY KEY (tenant, genie, id))`,
    `CREATE INDEX observations_at ON ${t('observations')} (tenant, genie, kpi, at) WHERE body IS NOT NULL`,
    `CREATE INDEX observations_run ON ${t('observations')} (tenant, genie, run_id) WHERE run_id IS NOT NULL`,
    `CREATE TABLE ${t('observation_days')} (${day}, kpi_name text NOT NULL, unit_name text NOT NULL,
      count bigint NOT NULL, no_data bigint NOT NULL, estimated bigint NOT NULL, unverified bigint NOT NULL, sum double precision NOT NULL,
      sum_of_squares double precision NOT NULL, weighted_sum double precision NOT NULL, weight double precision NOT NULL,
      minimum double precision NOT NULL, maximum double precision NOT NULL, first_at double precision NOT NULL,
      last_at double precision NOT NULL, last_value double precision NOT NULL, PRIMARY KEY (tenant, genie, kpi, unit, day))`,
    `CREATE TABLE ${t('observation_bins')} (${day}, bin integer NOT NULL, count bigint NOT NULL,
      PRIMARY KEY (tenant, genie, kpi, unit, day, bin))`,
    `CREATE TABLE ${t('metric_records')} (${owner}, kind text NOT NULL, id ${key}, number bigserial NOT NULL, at double precision NOT NULL,
      body text NOT NULL, PRIMARY KEY (tenant, genie, kind, id))`,
    `CREATE INDEX metric_records_at ON ${t('metric_records')} (tenant, genie, kind, at, number)`,
  ];
}

export function dropFirstTables(schema: string): readonly string[] {
  return [...firstTableNames].reverse().map((name) => `DROP TABLE IF EXISTS "${schema}"."${name}"`);
}
