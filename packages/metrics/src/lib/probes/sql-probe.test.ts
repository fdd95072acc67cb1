import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { KpiDefinition } from '@genie/core/ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestRun } from '../testing/test-run.ts';
import type { ProbeContext } from './probe.ts';
import { createProbeRegistry } from './probe-registry.ts';

let root: string;
const registry = createProbeRegistry([], 5000);

beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'genie-sql-')));
  const database = new DatabaseSync(path.join(root, 'data.db'));
  database.exec(
    "CREATE TABLE rows (price REAL, name TEXT); INSERT INTO rows VALUES (2, 'a'), (4, 'b; DELETE'), (NULL, 'c')",
  );
  database.close();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function context(): ProbeContext {
  return {
    run: createTestRun(),
    kpi: {} as KpiDefinition,
    now: 0,
    signal: new AbortController().signal,
    offsetAt: () => 0,
    roots: [root],
    feedback: async () => [],
    eventAt: () => undefined,
  };
}

const run = (query: string, database = 'data.db', probes = registry) =>
  probes.observe({ kind: 'sql', database, query }, context());

describe('the sql probe', () => {
  it('reads a number, and a denominator for ratios', async () => {
    expect(await run('SELECT avg(price), count(price) FROM rows')).toMatchObject({
      value: 3,
      weight: 2,
      grade: 'measured',
    });
    expect(
      await run("WITH x AS (SELECT 'b; DELETE' AS name) SELECT price FROM rows JOIN x USING (name)"),
    ).toMatchObject({ value: 4 });
  });

  it('reads CSV, JSON and JSON lines as the table data', async () => {
    writeFileSync(path.join(root, 'a.csv'), 'name,price\r\n"Smith, ""J""",5\nb,7\n');
    writeFileSync(path.join(root, 'a.json'), '[{"price": 1}, {"price": 2, "more": {"x": 1}}]');
    writeFileSync(path.join(root, 'a.jsonl'), '{"price": 10}\n\n{"price": 20}\n');
    expect(await run('SELECT sum(price) FROM data', 'a.csv')).toMatchObject({ value: 12 });
    expect(await run(`SELECT price FROM data WHERE name = 'Smith, "J"'`, 'a.csv')).toMatchObject({ value: 5 });
    expect(await run('SELECT max(price) FROM data', 'a.json')).toMatchObject({ value: 2 });
    expect(await run('SELECT sum(price) FROM data', 'a.jsonl')).toMatchObject({ value: 30 });
  });

  it('gives "no data" for no rows, NULL, text and broken SQL', async () => {
    for (const query of [
      'SELECT price FROM rows WHERE 0',
      'SELECT NULL',
      "SELECT 'text'",
      'SELECT nothing FROM rows',
      'SELECT 1/0',
    ]) {
      expect(await run(query)).toMatchObject({ noData: 'failed' });
    }
    expect(await run('SELECT 1', 'missing.db')).toMatchObject({ reason: 'the database does not exist' });
    expect(await run('SELECT 1', '../x.db')).toMatchObject({
      reason: expect.stringContaining('outside the allowed folders'),
    });
  });

  it('refuses to write when it is defined', () => {
    const bad = [
      'DELETE FROM rows',
      'SELECT 1; DELETE FROM rows',
      "SELECT 1 FROM rows; ATTACH 'x' AS y",
      "WITH x AS (SELECT 1) INSERT INTO rows SELECT 1, 'x'",
      'PRAGMA user_version = 5',
      "SELECT load_extension('x')",
    ];
    for (const query of bad) expect(() => registry.check({ kind: 'sql', database: 'data.db', query })).toThrow();
    expect(() => registry.check({ kind: 'sql', database: 'data.db', query: "SELECT 'DELETE; PRAGMA'" })).not.toThrow();
  });

  it('cannot write or read other files even when a query slips through the check', async () => {
    const before = readFileSync(path.join(root, 'data.db'));
    for (const query of [
      "SELECT writefile('x', 'y')",
      "SELECT readfile('/etc/hostname')",
      'SELECT * FROM pragma_database_list',
      "SELECT fts5('x')",
    ]) {
      expect(await run(query)).toMatchObject({ noData: 'failed' });
    }
    expect(readFileSync(path.join(root, 'data.db'))).toEqual(before);
  });

  it('lets no query fill the memory', async () => {
    expect(await run('SELECT length(hex(zeroblob(400000000)))')).toMatchObject({
      noData: 'failed',
      reason: 'string or blob too big',
    });
  });

  it('kills a query that does not end', async () => {
    const quick = createProbeRegistry([], 300);
    const startedAt = performance.now();
    const endless = 'WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x';
    expect(await run(endless, 'data.db', quick)).toMatchObject({
      noData: 'failed',
      reason: 'the probe took longer than 300 ms',
    });
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
