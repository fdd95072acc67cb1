import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MarkdownBlock } from './markdown-blocks.ts';
import { type CommandResult, runCommand } from './run-command.ts';

export interface DocsReport {
  readonly ran: number;
  readonly typeChecked: number;
  readonly parsed: number;
  /** `README.md:12: what went wrong`, one for each block that failed. */
  readonly failures: readonly string[];
}

type Handling = 'module' | 'shell' | 'json' | 'prose';

const handling: Readonly<Record<string, Handling>> = {
  ...{ ts: 'module', typescript: 'module', js: 'module', javascript: 'module' },
  ...{ sh: 'shell', bash: 'shell', json: 'json' },
  ...{
    text: 'prose',
    mermaid: 'prose',
    diff: 'prose',
    yaml: 'prose',
    toml: 'prose',
    html: 'prose',
    sql: 'prose',
    dockerfile: 'prose',
  },
};
// Generous: examples start whole genies, and a busy machine is no bug.
const defaultTimeoutSeconds = 180;

/** Writes, type-checks and runs blocks in a temporary folder that resolves packages like a project of a user. */
export async function runBlocks(blocks: readonly MarkdownBlock[], root: string): Promise<DocsReport> {
  const failures = blocks.flatMap(markupProblems);
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'genie-docs-')));
  try {
    const place = prepare(folder, root);
    for (const block of blocks) if (kindOf(block) === 'module') write(place, block);
    const typed = blocks.filter((block) => kindOf(block) === 'module' && isTypeScript(block));
    if (typed.length > 0) failures.push(...(await typeProblems(place, root)));
    // Blocks of one file may build on each other, so they run in order; files run side by side.
    const files = [...Map.groupBy(blocks, ({ file }) => file).values()];
    const results = await Promise.all(files.map((ofFile) => runFile(ofFile, place)));
    return {
      ran: results.reduce((sum, { ran }) => sum + ran, 0),
      typeChecked: typed.length,
      parsed: blocks.filter((block) => kindOf(block) === 'json' || isUnrunShell(block)).length,
      failures: [...failures, ...results.flatMap((result) => result.failures)],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runFile(blocks: readonly MarkdownBlock[], place: Place): Promise<{ ran: number; failures: string[] }> {
  const failures: string[] = [];
  let ran = 0;
  let previous: CommandResult | undefined;
  for (const block of blocks) {
    if (block.language === 'text' && 'output' in block.attributes) {
      if (previous !== undefined && !matches(previous.stdout, block.code)) {
        failures.push(`${at(block)}: the block above prints something else:\n${previous.stdout}`);
      }
      continue;
    }
    const problem = kindOf(block) === 'json' ? jsonProblem(block) : undefined;
    if (problem !== undefined) failures.push(problem);
    const command = commandOf(block, place);
    if (command === undefined) continue;
    previous = await runCommand(command);
    if (!('no-run' in block.attributes)) ran += 1;
    const expected = Number(block.attributes.exit ?? 0);
    if ('no-run' in block.attributes && previous.code !== 0)
      failures.push(`${at(block)}: does not parse\n${previous.output}`);
    else if (previous.code !== expected) {
      failures.push(`${at(block)}: exit code ${previous.code} instead of ${expected}\n${previous.output}`);
    }
  }
  return { ran, failures };
}

interface Place {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

function prepare(folder: string, root: string): Place {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(
    path.join(bin, 'genie'),
    `#!/bin/sh\nexec node "${path.join(root, 'packages/cli/src/main.ts')}" "$@"\n`,
  );
  chmodSync(path.join(bin, 'genie'), 0o755);
  const personal = Object.keys(process.env).filter((name) => /_API_KEY$|^GENIE_|^OLLAMA_/.test(name));
  return {
    folder,
    environment: {
      // An example may not depend on who runs it: no keys, no home of a person, no colours, a fixed author for commits.
      ...Object.fromEntries(personal.map((name) => [name, undefined])),
      ...{ HOME: folder, NO_COLOR: '1', CI: 'true', GIT_CONFIG_NOSYSTEM: '1' },
      ...{ GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.org' },
      ...{ GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.org' },
      NODE_OPTIONS: '--conditions=@genie/source --disable-warning=ExperimentalWarning',
      PATH: [bin, path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    },
  };
}

/** Code stands on the lines that it has in its Markdown file, so that every message points at the right place there. */
function write({ folder }: Place, block: MarkdownBlock): void {
  const file = path.join(folder, sourceFile(block));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${'\n'.repeat(block.line - 1)}${block.code}\n`);
}

function sourceFile(block: MarkdownBlock): string {
  const extension = isTypeScript(block) ? 'ts' : 'js';
  return path.join(folderOf(block), block.attributes.file ?? `line-${block.line}.${extension}`);
}

function folderOf({ file }: MarkdownBlock): string {
  return file.replaceAll(/[^\w-]+/g, '-').toLowerCase();
}

function commandOf(block: MarkdownBlock, { folder, environment }: Place): Parameters<typeof runCommand>[0] | undefined {
  const cwd = path.join(folder, folderOf(block));
  mkdirSync(cwd, { recursive: true });
  const timeoutMs = Number(block.attributes.timeout ?? defaultTimeoutSeconds) * 1_000;
  const noRun = 'no-run' in block.attributes;
  if (kindOf(block) === 'shell') {
    const args = noRun ? ['-n', '-c', block.code] : ['-euo', 'pipefail', '-c', block.code];
    return { program: 'bash', args, cwd, environment, timeoutMs };
  }
  if (kindOf(block) !== 'module' || noRun || 'file' in block.attributes) return undefined;
  return { program: process.execPath, args: [path.join(folder, sourceFile(block))], cwd, environment, timeoutMs };
}

async function typeProblems({ folder }: Place, root: string): Promise<string[]> {
  const compilerOptions = {
    composite: false,
    emitDeclarationOnly: false,
    noEmit: true,
    moduleDetection: 'force',
    rootDir: '/',
  };
  const config = {
    extends: path.join(root, 'tsconfig.base.json'),
    compilerOptions,
    include: ['*/*.ts'],
    exclude: ['node_modules', 'bin'],
  };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = path.join(root, 'node_modules', '.bin', 'tsc');
  const { code, output } = await runCommand({ program: tsc, args: ['-p', folder, '--pretty', 'false'], cwd: folder });
  return code === 0
    ? []
    : [`The types of the examples do not check (folder = Markdown file, line = its line there):\n${output}`];
}

function markupProblems(block: MarkdownBlock): string[] {
  const { language, attributes } = block;
  const known = Object.keys(handling).join(', ');
  const problems: string[] = [];
  if (kindOf(block) === undefined) {
    problems.push(`the language is ${JSON.stringify(language)}. Use one of ${known}.`);
  }
  if (attributes['no-run'] === '') problems.push('no-run needs its reason: no-run="needs a provider key".');
  const unknown = Object.keys(attributes).filter(
    (name) => !['no-run', 'file', 'output', 'exit', 'timeout'].includes(name),
  );
  if (unknown.length > 0) problems.push(`unknown attributes ${unknown.join(', ')}.`);
  if (attributes.file !== undefined && !/^[\w-]+(?:\.[\w-]+)+$/.test(attributes.file)) {
    problems.push(`file=${attributes.file} is not a plain file name.`);
  }
  return problems.map((problem) => `${at(block)}: ${problem}`);
}

function jsonProblem(block: MarkdownBlock): string | undefined {
  try {
    JSON.parse(block.code);
    return undefined;
  } catch (error) {
    return `${at(block)}: ${error instanceof Error ? error.message : error}`;
  }
}

/** `…` stands for anything, for times and ids that differ from run to run. */
function matches(actual: string, expected: string): boolean {
  const pattern = expected.trim().split('…').map(RegExp.escape).join('[\\s\\S]*?');
  return new RegExp(`^${pattern}$`).test(actual.trim());
}

function kindOf({ language }: MarkdownBlock): Handling | undefined {
  return Object.hasOwn(handling, language) ? handling[language] : undefined;
}

function isUnrunShell(block: MarkdownBlock): boolean {
  return kindOf(block) === 'shell' && 'no-run' in block.attributes;
}

function isTypeScript({ language }: MarkdownBlock): boolean {
  return language.startsWith('t');
}

function at({ file, line }: MarkdownBlock): string {
  return `${file}:${line}`;
}
