import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * `npm run mutants [-- PACKAGE…] [--json]`: for every conformance suite of the repository, runs the broken implementations that its test brings, and shows whether
 * each was caught. Exits with 1 when one got through, or when a suite has a case without a mutant.
 */
interface Assertion {
  readonly title: string;
  readonly ancestorTitles: readonly string[];
  readonly status: string;
}

interface Report {
  readonly testResults: readonly { readonly name: string; readonly assertionResults: readonly Assertion[] }[];
}

const root = path.join(import.meta.dirname, '..', '..');
const suiteTests = ['suite', 'suites', 'conformance'].map((name) => `${name}.test.ts`);
const projects = process.argv.slice(2).filter((word) => !word.startsWith('--'));

const report = runTests();
const rows = report.testResults.flatMap(({ assertionResults }) =>
  assertionResults
    .filter(({ title }) => /^(catches|fails|finds|refuses)\b|mutant/.test(title))
    .map(({ title, ancestorTitles, status }) => ({
      suite: ancestorTitles.join(' '),
      mutant: title,
      caught: status === 'passed',
    })),
);
const missed = rows.filter(({ caught }) => !caught);
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(rows)}\n`);
else for (const { suite, mutant, caught } of rows) process.stdout.write(`${caught ? '✓' : '✗'} ${suite}: ${mutant}\n`);
process.stderr.write(
  `${rows.length} checks of ${new Set(rows.map(({ suite }) => suite)).size} suites, ${missed.length} missed\n`,
);
if (missed.length > 0 || rows.length === 0) process.exitCode = 1;

function runTests(): Report {
  const folder = mkdtempSync(path.join(tmpdir(), 'genie-mutants-'));
  const file = path.join(folder, 'report.json');
  try {
    const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
    spawnSync(
      process.execPath,
      [
        vitest,
        'run',
        '--reporter=json',
        `--outputFile=${file}`,
        ...projects.flatMap((name) => ['--project', name]),
        ...suiteTests,
      ],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
