import { execFileSync } from 'node:child_process';
import { readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { memoryObjects } from '../testing/memory-objects.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { data } from './data.ts';
import type { QueryResult } from './run-query.ts';

function setUp(workspace: string, options: object = {}) {
  const [query, describeTool] = data({ workspace, ...options });
  return {
    query: (sql: string, tables: Record<string, string>, more: object = {}, context = {}) =>
      callTool(query!, { sql, tables, ...more }, context) as Promise<QueryResult>,
    describe: (path: string) => callTool(describeTool!, { path }) as Promise<{ columns: Record<string, unknown>[] }>,
  };
}

describe.runIf(process.platform === 'linux')('data', () => {
  it('queries CSV, TSV, JSON and JSONL, and joins them', async () => {
    using folder = temporaryFolder();
    folder.write('sales.csv', 'day,item,amount\n2026-01-01,lamp,3\n2026-01-02,lamp,4\n2026-01-02,"carpet, red",1\n');
    folder.write('prices.json', '[{"item":"lamp","price":10.5},{"item":"carpet, red","price":99}]');
    folder.write('notes.jsonl', '{"item":"lamp","note":"ü"}\n');
    folder.write('tabs.tsv', 'a\tb\n1\t2\n');
    const { query } = setUp(folder.path);
    const sql =
      'SELECT item, sum(amount * price) AS total, any_value(note) AS note FROM sales JOIN prices USING (item) LEFT JOIN notes USING (item) GROUP BY item ORDER BY total';
    expect(await query(sql, { sales: 'sales.csv', prices: 'prices.json', notes: 'notes.jsonl' })).toEqual({
      columns: [
        { name: 'item', type: 'VARCHAR' },
        { name: 'total', type: 'DOUBLE' },
        { name: 'note', type: 'VARCHAR' },
      ],
      rows: [
        { item: 'lamp', total: 73.5, note: 'ü' },
        { item: 'carpet, red', total: 99, note: null },
      ],
    });
    expect((await query('SELECT a + b AS c FROM t', { t: 'tabs.tsv' })).rows).toEqual([{ c: '3' }]);
  });

  it('reads tables of SQLite files, with what is still in the log, and joins them with others', async () => {
    using folder = temporaryFolder();
    const database = new DatabaseSync(join(folder.path, 'shop.db'));
    database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE sales (item TEXT, amount INTEGER, price REAL, raw BLOB, mixed);
      INSERT INTO sales VALUES ('lamp', 3, 1.5, x'00ff', 1), ('carpet', 9007199254740993, 2, NULL, 'two');
      CREATE TABLE other (x); CREATE VIEW trap AS SELECT * FROM sales;`);
    folder.write('names.csv', 'item,name\nlamp,Lampe\n');
    const { query } = setUp(folder.path);
    const found = await query('SELECT s.*, name FROM s LEFT JOIN n USING (item) ORDER BY amount', {
      s: 'shop.db#sales',
      n: 'names.csv',
    });
    database.close();
    expect(found.columns.map(({ type }) => type)).toEqual([
      'VARCHAR',
      'BIGINT',
      'DOUBLE',
      'VARCHAR',
      'VARCHAR',
      'VARCHAR',
    ]);
    expect(found.rows).toEqual([
      { item: 'lamp', amount: '3', price: 1.5, raw: '00ff', mixed: '1', name: 'Lampe' },
      { item: 'carpet', amount: '9007199254740993', price: 2, raw: null, mixed: 'two', name: null },
    ]);
    await expect(query('SELECT 1', { s: 'shop.db' })).rejects.toMatchObject({
      code: 'GENIE_DATA_FORMAT',
      message: expect.stringContaining('other, sales'),
    });
    await expect(query('SELECT 1', { s: 'shop.db#trap' })).rejects.toMatchObject({ code: 'GENIE_DATA_FORMAT' });
    folder.write('no.sqlite', 'not a database at all, but long enough to be read as one');
    await expect(query('SELECT 1', { s: 'no.sqlite' })).rejects.toMatchObject({ code: 'GENIE_DATA_FORMAT' });
  });

  it('follows no link to a SQLite file, also for its log', async () => {
    using folder = temporaryFolder();
    using outside = temporaryFolder();
    new DatabaseSync(join(outside.path, 'secret.db')).exec('CREATE TABLE t (x); INSERT INTO t VALUES (42)');
    symlinkSync(join(outside.path, 'secret.db'), join(folder.path, 'link.db'));
    const { query } = setUp(folder.path);
    await expect(query('SELECT * FROM t', { t: 'link.db' })).rejects.toMatchObject({ code: 'GENIE_PATH_OUTSIDE' });
    new DatabaseSync(join(folder.path, 'own.db')).exec('CREATE TABLE t (x)');
    symlinkSync(join(outside.path, 'secret.db'), join(folder.path, 'own.db-wal'));
    await expect(query('SELECT * FROM t', { t: 'own.db' })).rejects.toMatchObject({ code: 'GENIE_PATH_OUTSIDE' });
  });

  it('draws a chart as an artifact, with nothing in it that runs', async () => {
    using folder = temporaryFolder();
    folder.write('sales.csv', 'day,lamps,carpets\n"<script>",3,1\nTue,,2\nWed,5,-4\n');
    const artifacts = memoryObjects();
    const chart = data({ workspace: folder.path, artifacts }).find(({ name }) => name === 'draw_chart')!;
    for (const kind of ['bar', 'line', 'scatter'] as const) {
      const made = (await callTool(chart, {
        sql: 'SELECT day, lamps, carpets FROM s',
        tables: { s: 'sales.csv' },
        kind,
        title: 'A & B',
      })) as { artifact: string; points: number };
      expect(made).toMatchObject({ points: 3, series: ['lamps', 'carpets'], contentType: 'image/svg+xml' });
      const stored = await artifacts.get(made.artifact);
      let svg = '';
      for await (const part of stored!.content) svg += Buffer.from(part).toString();
      expect(svg).toMatch(/^<svg xmlns=/);
      expect(svg).toContain('A &amp; B');
      expect(svg).toContain('&lt;script&gt;');
      expect(svg).not.toMatch(/<script|href|NaN|Infinity/);
    }
    const empty = { sql: "SELECT day, 'x' AS n FROM s", tables: { s: 'sales.csv' }, title: 'none' };
    await expect(callTool(chart, empty)).rejects.toMatchObject({ code: 'GENIE_DATA_FORMAT' });
  });

  it('says what a file holds', async () => {
    using folder = temporaryFolder();
    folder.write('a.csv', 'n,word\n1,x\n3,y\n,y\n');
    const { describe: tell } = setUp(folder.path);
    const { columns } = await tell('a.csv');
    expect(columns.map((column) => [column.column_name, column.min, column.max])).toEqual([
      ['n', '1', '3'],
      ['word', 'x', 'y'],
    ]);
  });

  it('cuts long answers', async () => {
    using folder = temporaryFolder();
    folder.write('a.csv', `n\n${Array.from({ length: 500 }, (_, n) => n).join('\n')}\n`);
    const { query } = setUp(folder.path);
    const result = await query('SELECT n FROM t', { t: 'a.csv' }, { maxRows: 7 });
    expect(result.rows).toHaveLength(7);
    expect(result.truncated).toBe(true);
    expect(await query('SELECT n FROM t LIMIT 7', { t: 'a.csv' }, { maxRows: 7 })).not.toHaveProperty('truncated');
  });

  it.each([
    ['reads another file', "SELECT * FROM read_text('/etc/hostname')"],
    ['reads another file as CSV', "SELECT * FROM read_csv('/etc/passwd')"],
    ['reads another file by its bare name', "SELECT * FROM '/etc/passwd'"],
    ['lists a folder', "SELECT * FROM glob('/etc/*')"],
    ['reads through the folder of descriptors', "SELECT * FROM read_text('/proc/self/environ')"],
    ['fetches from the network', "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')"],
    ['writes a file', "COPY t TO '/tmp/genie-data-attack.csv'"],
    ['writes into the file it reads', "COPY (SELECT 1) TO '/proc/self/fd/1'"],
    ['loads an extension', 'LOAD httpfs'],
    ['installs an extension', 'INSTALL httpfs'],
    ['attaches a database', "ATTACH '/tmp/x.db' AS x"],
    ['opens its own doors again', 'SET enable_external_access = true'],
    ['widens what is allowed', "SET allowed_directories = ['/']"],
    ['raises its memory', "PRAGMA memory_limit = '100GB'"],
    ['makes a table', 'CREATE TABLE x AS SELECT 1'],
    ['changes data', 'DELETE FROM t'],
    ['smuggles a second statement', 'SELECT 1; SELECT 2'],
    ['hides behind a comment', '/* SELECT */ DROP VIEW t'],
    ['exports everything', "EXPORT DATABASE '/tmp/genie-data-export'"],
    ['reads a variable of the environment', "SELECT getenv('HOME')"],
    ['is no SQL', 'please give me the data'],
    ['is empty', ' -- nothing'],
  ])('stops a query that %s', async (_name, sql) => {
    using folder = temporaryFolder();
    folder.write('a.csv', 'n\n1\n');
    const { query } = setUp(folder.path);
    await expect(query(sql, { t: 'a.csv' })).rejects.toMatchObject({ code: 'GENIE_DATA_QUERY' });
  });

  it('stops a file that leads out of the workspace, is no data, or has a strange table name', async () => {
    using folder = temporaryFolder();
    using outside = temporaryFolder();
    symlinkSync(outside.write('secret.csv', 'a\n1\n'), join(folder.path, 'link.csv'));
    folder.write('a.exe', 'x');
    const { query } = setUp(folder.path);
    await expect(query('SELECT * FROM t', { t: 'link.csv' })).rejects.toMatchObject({ code: 'GENIE_PATH_OUTSIDE' });
    await expect(query('SELECT * FROM t', { t: '/etc/passwd.csv' })).rejects.toMatchObject({
      code: 'GENIE_PATH_OUTSIDE',
    });
    await expect(query('SELECT * FROM t', { t: 'a.exe' })).rejects.toMatchObject({ code: 'GENIE_DATA_FORMAT' });
    await expect(query('SELECT 1', { 't" AS SELECT 1; --': 'a.exe' })).rejects.toMatchObject({
      code: 'GENIE_TOOL_INPUT',
    });
  });

  it('is interrupted, and leaves nothing behind', async () => {
    using folder = temporaryFolder();
    folder.write('a.csv', 'n\n1\n');
    const { query } = setUp(folder.path);
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('genie-data-'));
    const startedAt = performance.now();
    const endless = 'SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3';
    await expect(query(endless, { t: 'a.csv' }, {}, { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('genie-data-'))).toEqual(before);
  });

  it('keeps to its memory', async () => {
    using folder = temporaryFolder();
    folder.write('a.csv', 'n\n1\n');
    const { query } = setUp(folder.path, { maxMemoryBytes: 64 * 1024 * 1024, maxTemporaryBytes: 1024 * 1024 });
    const greedy = "SELECT list(repeat('x', 1000) || range) AS all FROM range(1000000)";
    await expect(query(greedy, { t: 'a.csv' })).rejects.toMatchObject({ code: 'GENIE_DATA_LIMIT' });
  });

  it('reads Parquet', async () => {
    using folder = temporaryFolder();
    const program = `const { DuckDBInstance } = await import('@duckdb/node-api'); const c = await (await DuckDBInstance.create()).connect(); await c.run("COPY (SELECT 42 AS answer) TO '${folder.path}/a.parquet'");`;
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: new URL('.', import.meta.url) });
    expect((await setUp(folder.path).query('SELECT answer FROM p', { p: 'a.parquet' })).rows).toEqual([{ answer: 42 }]);
  });
});
