import { fork } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isRow, type Row } from './measure-row.ts';

const root = path.dirname(import.meta.dirname);

/** The areas that outside suites ask for, and the folder of each kind of measurement: `packages/tools/bench`, `packages/tools/bench/mcp`. */
const areas: Readonly<Record<string, (kind: Kind) => string>> = {
  core: (kind) => `packages/core/${kind}`,
  memory: (kind) => `packages/memory/${kind}`,
  tools: (kind) => `packages/tools/${kind}`,
  mcp: (kind) => `packages/tools/${kind}/mcp`,
  egress: (kind) => `packages/egress/${kind}`,
  metrics: (kind) => `packages/metrics/${kind}`,
  inference: (kind) => `packages/inference/${kind}`,
  adapters: (kind) => `packages/adapters/${kind}`,
};

export type Kind = 'bench' | 'soak';

/**
 * `npm run bench[:area]` and `npm run soak[:area]`. With --json the last line of stdout is one array of rows and everything else goes to
 * stderr. A bench that misses its reach says so and exits 0, because a machine may be slow; a soak that misses it found a bug and exits 1.
 */
export async function measure(kind: Kind, argv: readonly string[]): Promise<void> {
  const { json, trials, only, names, file: single } = options(kind, argv);
  const found = names.flatMap((name) => measurementFiles(kind, name)).filter((file) => file.includes(only));
  const files = single === undefined ? found : [path.resolve(single)];
  const say = (line: string) => process[json ? 'stderr' : 'stdout'].write(`${line}\n`);
  say(machine());
  const rows: Row[] = [];
  for (const file of files) {
    say(`\n${path.relative(root, file)}`);
    try {
      rows.push(...(await runFile({ kind, file, json, trials })));
    } catch (error) {
      process.stderr.write(`${path.relative(root, file)} failed: ${error instanceof Error ? error.message : error}\n`);
      process.exitCode = 1;
    }
  }
  if (files.length === 0)
    say(`\nThere is no ${kind} for ${names.join(', ')}${only && ` with ${JSON.stringify(only)} in its path`}.`);
  if (kind === 'soak' && rows.some(({ ok }) => !ok)) process.exitCode = 1;
  process.stdout.write(json ? `${JSON.stringify(rows)}\n` : table(rows));
}

function options(kind: Kind, argv: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      trials: { type: 'string' },
      only: { type: 'string' },
      file: { type: 'string' },
    },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(areas, name));
  if (unknown !== undefined) {
    throw new Error(
      `There is no area ${JSON.stringify(unknown)} to ${kind}. Use one of ${Object.keys(areas).join(', ')}.`,
    );
  }
  const trials = Number(values.trials ?? 1_000);
  if (!Number.isInteger(trials) || trials < 1) {
    throw new Error(`--trials is ${JSON.stringify(values.trials)}. Use a whole number from 1 on.`);
  }
  const names = positionals.length > 0 ? positionals : Object.keys(areas);
  return { json: values.json === true, trials, only: values.only ?? '', file: values.file, names };
}

function measurementFiles(kind: Kind, name: string): string[] {
  const folder = path.join(root, areas[name]?.(kind) ?? '');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(`.${kind}.ts`));
  return files.sort().map((file) => path.join(folder, file));
}

/** Each file gets a process of its own, so that no measurement warms up, fills or slows down the next one. */
function runFile(task: { kind: Kind; file: string; json: boolean; trials: number }): Promise<readonly Row[]> {
  const child = fork(path.join(import.meta.dirname, 'measure-file.ts'), [JSON.stringify(task)], {
    cwd: root,
    execArgv: [...process.execArgv, '--expose-gc'],
    stdio: ['ignore', task.json ? 2 : 1, 2, 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let rows: readonly Row[] | undefined;
    child.on('message', (message) => {
      if (Array.isArray(message) && message.every(isRow)) rows = message;
      else
        reject(
          new Error(`it returned ${JSON.stringify(message)} instead of rows { id, what, value, unit, reach, ok }`),
        );
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (rows === undefined || code !== 0) reject(new Error(`it ended with ${signal ?? `exit code ${code}`}`));
      else resolve(rows);
    });
  });
}

function machine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpu?.model.trim() ?? 'unknown CPU'} × ${cpus().length}, ${gigabytes} GB, ${type()} ${release()} ${arch()}, Node ${process.versions.node}, V8 ${process.versions.v8}`;
}

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => [
    row.ok ? '✓' : '✗',
    row.id,
    row.what,
    `${round(row.value)} ${row.unit}`,
    String(row.reach ?? ''),
  ]);
  const lines = [['', 'figure', 'what', 'value', 'reach'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return `\n${lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')}\n`;
}

function round(value: number): string {
  return (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString('en-US');
}
