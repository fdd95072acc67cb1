import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureInChild } from './child.ts';
import { atMost, info, median, type Row } from './rounds.ts';

interface Options {
  readonly log: (line: string) => void;
}

interface Import {
  readonly importMs: number;
  readonly rssMb: number;
  readonly resources: readonly string[];
}

const packageFolder = join(import.meta.dirname, '..');
const workspace = join(packageFolder, '../..');
const script = join(import.meta.dirname, 'import-process.mjs');
/** Without the condition, so that the built package is measured, as users get it. */
const flags = process.execArgv.filter((flag) => !flag.includes('@genie/source'));

/** What it costs to have the package: import, installation, types. Builds it first, so that nothing stale is measured. */
export async function bench({ log }: Options): Promise<Row[]> {
  const built = spawnSync(process.execPath, [join(workspace, 'tooling/build-package.ts')], {
    cwd: packageFolder,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`the package cannot be built: ${built.stderr}`);
  log('the built package, each import in a fresh process');
  return [...imports(), ...resumes(), ...installation(), ...types()];
}

function imports(): Row[] {
  // Every process has `node:fs` anyway: what that one holds is Node's own, and only the difference is ours.
  const names = ['node:fs', 'zod', '@genie/core', '@genie/core/loop'] as const;
  const results: Record<(typeof names)[number], Import[]> = {
    'node:fs': [],
    zod: [],
    '@genie/core': [],
    '@genie/core/loop': [],
  };
  for (let round = 0; round < 15; round += 1) {
    for (const name of names) results[name].push(measureInChild<Import>(script, { args: [name], flags }));
  }
  const of = (name: (typeof names)[number]) => median(results[name].map((result) => result.importMs));
  const memoryOf = (name: (typeof names)[number]) => median(results[name].map((result) => result.rssMb));
  const core = results['@genie/core'];
  return [
    info('core.import.zod', 'import of zod alone', of('zod'), 'ms'),
    info('core.import.time-ms', 'import of @genie/core', of('@genie/core'), 'ms'),
    info('core.import.loop-ms', 'import of @genie/core/loop', of('@genie/core/loop'), 'ms'),
    // 70 ms where zod alone costs 47.
    atMost('core.import.time', 'import of @genie/core against zod alone', of('@genie/core') / of('zod'), '×', 1.49),
    info('core.import.rss-bare', 'memory of a process that imported nothing', memoryOf('node:fs'), 'MB'),
    atMost('core.import.rss', 'memory of a process that imported it', memoryOf('@genie/core'), 'MB', 65),
    atMost(
      'core.import.started',
      'timers, sockets and other things that the import started',
      core.flatMap((result) => result.resources).length,
      'things',
      0,
    ),
  ];
}

/** A process that takes unfinished runs up: three of them, so that the first call is not the only work. */
function resumes(): Row[] {
  const script = join(import.meta.dirname, 'resume-process.mjs');
  const results: { readonly resumeMs: number; readonly startMs: number }[] = [];
  for (let round = 0; round < 11; round += 1) {
    const home = fs.mkdtempSync(join(tmpdir(), 'genie-resume-'));
    spawnSync(process.execPath, [...flags, script, 'make', home]);
    results.push(measureInChild(script, { args: ['resume', home], flags }));
    fs.rmSync(home, { recursive: true, force: true });
  }
  const of = (member: 'resumeMs' | 'startMs') => median(results.map((result) => result[member]));
  return [
    atMost('core.resume.next-call', 'resume() to the next call, in a fresh process', of('resumeMs'), 'ms', 5),
    atMost('core.resume.start-to-call', 'process start to the next call', of('startMs'), 'ms', 150),
  ];
}

function installation(): Row[] {
  const seen = new Map<string, number>();
  visit(packageFolder, seen);
  const bytes = [...seen.values()].reduce((sum, size) => sum + size, 0);
  return [
    atMost('core.install.packages', 'packages that an installation brings', seen.size, 'packages', 12),
    atMost('core.install.size', 'their size on disk', bytes / 2 ** 20, 'MB', 12),
  ];
}

/** Adds a package and what it depends on, by their real folders. Of the workspace's own package only what is published counts. */
function visit(folder: string, seen: Map<string, number>): void {
  const real = fs.realpathSync(folder);
  if (seen.has(real)) return;
  const manifest = JSON.parse(fs.readFileSync(join(real, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
    files?: string[];
  };
  seen.set(real, real === fs.realpathSync(packageFolder) ? sizeOf(join(real, 'dist')) : sizeOf(real));
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const paths = createRequire(join(real, 'package.json')).resolve.paths(name) ?? [];
    const found = paths.map((path) => join(path, name)).find((path) => fs.existsSync(join(path, 'package.json')));
    if (found) visit(found, seen);
  }
}

function sizeOf(folder: string): number {
  let size = 0;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const isNested = entry.parentPath.slice(folder.length).includes('node_modules');
    if (entry.isFile() && !isNested) size += fs.statSync(join(entry.parentPath, entry.name)).size;
  }
  return size;
}

function types(): Row[] {
  const folder = fs.mkdtempSync(join(packageFolder, 'node_modules/.types-'));
  try {
    const plain = toolFile((index) => `z.object({ key${index}: z.string(), page: z.number() })`);
    const rich = toolFile(
      (index) =>
        `z.object({ key${index}: z.string(), page: z.number().optional(), kind: z.enum(['a${index}', 'b']), tags: z.array(z.string()) })`,
    );
    return [
      atMost(
        'core.types.instantiations',
        'type instantiations of a file with 20 tools and a genie',
        instantiations(folder, 'plain', plain),
        'types',
        8_000,
      ),
      info(
        'core.types.rich',
        'the same with enums, lists and optional members in every schema',
        instantiations(folder, 'rich', rich),
        'types',
      ),
    ];
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function toolFile(schemaOf: (index: number) => string): string {
  const indexes = Array.from({ length: 20 }, (_, index) => index);
  const tools = indexes.map(
    (index) => `
const tool${index} = defineTool({
  name: 'tool-${index}',
  description: 'Tool ${index}',
  input: ${schemaOf(index)},
  effect: 'read',
  run: ({ key${index}, page }) => ({ text: key${index}, page }),
});`,
  );
  return `import { createGenie, defineTool } from '@genie/core';
import type { AnyLanguageModel } from '@genie/core/ports';
import { z } from 'zod';
declare const model: AnyLanguageModel;
${tools.join('\n')}
export const genie = createGenie({ goal: 'Look entries up', model, tools: [${indexes.map((index) => `tool${index}`).join(', ')}] });
`;
}

function instantiations(folder: string, name: string, text: string): number {
  const file = join(folder, `${name}.ts`);
  fs.writeFileSync(file, text);
  const compiler = join(workspace, 'node_modules/typescript/bin/tsc');
  const args = [
    '--noEmit',
    '--ignoreConfig',
    '--strict',
    '--skipLibCheck',
    '--target',
    'es2023',
    '--module',
    'nodenext',
    '--types',
    'node',
    '--extendedDiagnostics',
    file,
  ];
  const { stdout, status } = spawnSync(process.execPath, [compiler, ...args], { cwd: packageFolder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the generated file does not type-check: ${stdout}`);
  return Number(/Instantiations:\s+(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
}
