import { describeThrown } from '@genie/core/errors';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Invariants that hold after every commit, as queries that must find nothing. */
const invariants: readonly (readonly [string, string])[] = [
  [
    'vectors without a record',
    'SELECT count(*) AS n FROM vectors v WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.id = v.id AND r.namespace = v.namespace)',
  ],
  [
    'two live facts for one subject and key',
    `SELECT count(*) AS n FROM (SELECT 1 FROM records WHERE tier IN ('core', 'knowledge') AND status = 'live' AND subject IS NOT NULL
     AND coalesce(json_extract(data, '$.many'), 0) = 0 AND valid_to IS NULL
     GROUP BY namespace, tier, subject, relation HAVING count(*) > 1)`,
  ],
  ['retired records without a time', "SELECT count(*) AS n FROM records WHERE status <> 'live' AND retired_at IS NULL"],
  [
    'merged records whose survivor is gone',
    `SELECT count(*) AS n FROM records m WHERE m.status = 'merged'
     AND NOT EXISTS (SELECT 1 FROM records r WHERE r.id = m.retired_by AND r.namespace = m.namespace)`,
  ],
  [
    'a revision beyond the last one',
    "SELECT count(*) AS n FROM records WHERE revision > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'revision')",
  ],
  [
    'vectors whose size does not match their dimension',
    'SELECT count(*) AS n FROM vectors WHERE length(vector) <> dimension * 4',
  ],
];

/** Looks for damage in the pages and for broken invariants. Never throws. */
export function verifyDatabase(database: SqliteDatabase): string[] {
  const problems: string[] = [];
  try {
    for (const row of database.all('PRAGMA integrity_check(20)')) {
      if (row.integrity_check !== 'ok') problems.push(`damaged page: ${row.integrity_check}`);
    }
    for (const [name, sql] of invariants) {
      const found = Number(database.get(sql)?.n ?? 0);
      if (found > 0) problems.push(`${name}: ${found}`);
    }
  } catch (error) {
    problems.push(describeThrown(error));
  }
  return problems;
}
