import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { JsonValue } from '@genie/core/ports';
import { z } from 'zod';
import { confine } from './file-probe.ts';
import { defineProbe, noData } from './probe.ts';
import { toNumber } from './run-field-probe.ts';
import { sqlChildSource } from './sql-child.ts';

const maxRows = 100;
const maxAnswerBytes = 1024 * 1024;
const kinds: Readonly<Record<string, string>> = {
  '.csv': 'csv',
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

const schema = z.strictObject({
  /** A SQLite database, or a .csv, .json or .jsonl file, which becomes the table `data`. Relative to the first allowed folder. */
  database: z.string().min(1).max(1024),
  /** One SELECT; the first column of the first row is the value, an optional second column the denominator for `ratio`. */
  query: z
    .string()
    .min(1)
    .max(10_000)
    .refine((sql) => /^\s*(?:select|with)\b/i.test(sql), 'must be one SELECT (or WITH … SELECT)')
    .refine((sql) => !hasSecondStatement(sql), 'must be one statement')
    .refine(
      (sql) =>
        !/\b(?:attach|detach|pragma|vacuum|load_extension|insert|update|delete|drop|create|alter|replace\s+into)\b/i.test(
          withoutText(sql),
        ),
      'may only read',
    ),
});

/**
 * A number from SQL over a database or data file in an allowed folder. Runs read-only in a process of its own that is killed at the
 * time limit; the authorizer of that process lets nothing but reading through.
 */
export const sqlProbe = defineProbe('sql', schema, async ({ database, query }, context) => {
  if (context.roots.length === 0) return noData('failed', `sql:${database}`, 'no folder is allowed for SQL probes');
  const file = await confine(database, context.roots);
  const source = `sql:${file.path}`;
  if (!file.exists) return noData('failed', source, 'the database does not exist');
  if (!(await stat(file.path)).isFile()) return noData('failed', source, 'it is no regular file');
  const kind = kinds[path.extname(file.path).toLowerCase()] ?? 'database';
  const { rows, error } = await runChild({ file: file.path, kind, sql: query, maxRows }, context.signal);
  if (error !== undefined) return noData('failed', source, error);
  const first = Object.values(rows?.[0] ?? {});
  const value = toNumber(first[0]);
  if (value === undefined)
    return noData('failed', source, `the query gave ${JSON.stringify(first[0] ?? null)}, expected a number`);
  const weight = toNumber(first[1]);
  const evidence = { query, rows: (rows ?? []).slice(0, maxRows) as JsonValue };
  return { value, ...(weight === undefined ? {} : { weight }), grade: 'measured', source, evidence };
});

interface ChildAnswer {
  readonly rows?: readonly Record<string, JsonValue>[];
  readonly error?: string;
}

function runChild(input: object, signal: AbortSignal): Promise<ChildAnswer> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--disable-warning=ExperimentalWarning',
        '--max-old-space-size=256',
        '--eval',
        sqlChildSource,
      ],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: {},
        signal,
        killSignal: 'SIGKILL',
        windowsHide: true,
      },
    );
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxAnswerBytes) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    child.on('error', reject);
    child.stdin.on('error', () => undefined);
    child.on('close', (code) => {
      const text = Buffer.concat(chunks).toString('utf8');
      if (code === 0 && size <= maxAnswerBytes) resolve(JSON.parse(text) as ChildAnswer);
      else
        reject(new Error(size > maxAnswerBytes ? 'the query gave too much' : `the query ended with exit code ${code}`));
    });
    child.stdin.end(JSON.stringify(input));
  });
}

/** SQL without its string literals and comments, so that words inside them are not taken for commands. */
function withoutText(sql: string): string {
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
}

function hasSecondStatement(sql: string): boolean {
  return /;\s*\S/.test(withoutText(sql));
}
