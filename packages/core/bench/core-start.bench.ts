import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
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
const script = join(import.meta.dirname, 'import-process.ts');
/** Without the condition, so that the built package is measured, as users get it. */
const flags = process.execArgv.filter((flag) => !flag.includes('@genie/source'));

/** What it costs to have the package: import, installation, types. Builds it first, so that nothing stale is measured. */
export async function bench({ log }: Options): Promise<Row[]> {
  const built = spawnSync(process.execPath, [join(workspace, 'tooling/build-package.ts')], { cwd: packageFolder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the package cannot be built: ${built.stderr}`);
  log('the built package, each import in a fresh process');
  return [...imports(), ...installation(), ...types()];
}

function imports(): Row[] {
  const names = ['zod', '@genie/core', '@genie/core/loop'] as const;
  const results: Record<(typeof names)[number], Import[]> = { zod: [], '@genie/core': [], '@genie/core/loop': [] };
  for (let round = 0; round < 15; round += 1) {
    for (const name of names) results[name].push(measureInChild<Import>(script, { args: [name], flags }));
  }
  const of = (name: (typeof names)[number]) => median(results[name].map((result) => result.importMs));
  const core = results['@genie/core'];
  return [
    info('core.import.zod', 'import of zod alone', of('zod'), 'ms'),
    info('core.import.time-ms', 'import of @genie/core', of('@genie/core'), 'ms'),
    info('core.import.loop-ms', 'import of @genie/core/loop', of('@genie/core/loop'), 'ms'),
    // 70 ms where zod alone costs 47.
    atMost('core.import.time', 'import of @genie/core against zod alone', of('@genie/core') / of('zod'), '×', 1.49),
    atMost('core.import.rss', 'memory of a process that imported it', median(core.map((result) => result.rssMb)), 'MB', 65),
    atMost('core.import.started', 'timers, sockets and other things that the import started', core.flatMap((result) => result.resources).length, 'things', 0),
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
  const manifest = JSON.parse(fs.readFileSync(join(real, 'package.json'), 'utf8')) as { dependencies?: Record<string, string>; files?: string[] };
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
    const full = instantiations(folder, 'genie', toolFile(20));
    const empty = instantiations(folder, 'imports', `import { createGenie, defineTool } from '@genie/core';\nimport { z } from 'zod';\nexport { createGenie, defineTool, z };\n`);
    return [
      atMost('core.types.instantiations', 'type instantiations of a file with 20 tools and a genie', full, 'types', 8_000),
      info('core.types.imports-only', 'of these, by importing alone', empty, 'types'),
    ];
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function toolFile(count: number): string {
  const tools = Array.from({ length: count }, (_, index) => `
const tool${index} = defineTool({
  name: 'tool-${index}',
  description: 'Tool ${index}',
  input: z.object({ key${index}: z.string(), page: z.number().optional(), kind: z.enum(['a${index}', 'b']), tags: z.array(z.string()) }),
  effect: 'read',
  run: ({ key${index}, page, kind, tags }) => ({ text: key${index} + kind, page: page ?? 0, count: tags.length }),
});`);
  const list = Array.from({ length: count }, (_, index) => `tool${index}`).join(', ');
  return `import { createGenie, defineTool } from '@genie/core';
import type { AnyLanguageModel } from '@genie/core/ports';
import { z } from 'zod';
declare const model: AnyLanguageModel;
${tools.join('\n')}
export const genie = createGenie({ goal: 'Look entries up', model, tools: [${list}] });
`;
}

function instantiations(folder: string, name: string, text: string): number {
  const file = join(folder, `${name}.ts`);
  fs.writeFileSync(file, text);
  const compiler = join(workspace, 'node_modules/typescript/bin/tsc');
  const args = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2023', '--module', 'nodenext', '--types', 'node', '--extendedDiagnostics', file];
  const { stdout, status } = spawnSync(process.execPath, [compiler, ...args], { cwd: packageFolder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the generated file does not type-check: ${stdout}`);
  return Number(/Instantiations:\s+(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
}
