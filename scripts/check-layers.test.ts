import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkLayers } from './check-layers.ts';
import { layerRules } from './layer-rules.ts';

const root = path.dirname(import.meta.dirname);

/** One planted violation for each rule, and for each way around it that was thought of. */
const plants: ReadonlyArray<readonly [rule: string, file: string, source: string]> = [
  ['no-cycles', 'packages/core/src/loop.ts', "import type { Back } from './journal.ts';\nexport type There = Back;\n"],
  ['core-imports-no-package', 'packages/core/src/loop.ts', "export * from '@genie/memory';\n"],
  ['siblings-meet-in-core', 'packages/tools/src/planted.ts', "export type * from '@genie/egress';\n"],
  ['siblings-meet-in-core', 'packages/memory/src/planted.ts', "export const late = () => import('@genie/cli');\n"],
  ['adapters-below-cli', 'packages/adapters/src/planted.ts', "export * from '@genie/cli';\n"],
  ['packages-below-examples', 'packages/cli/src/planted.ts', "export * from '../../../scripts/planted.ts';\n"],
  ['public-entries-only', 'packages/tools/src/planted.ts', "export * from '../../core/src/lib/inner.ts';\n"],
  ['no-relative-way-out', 'packages/tools/src/planted.ts', "export * from '../../core/src/index.ts';\n"],
  ['declared-dependencies-only', 'packages/core/src/loop.ts', "export * from 'undici';\n"],
  ['no-development-dependencies', 'packages/tools/src/planted.ts', "export * from '@types/turndown';\n"],
  ['resolvable', 'packages/core/src/loop.ts', "export * from 'a-package-that-nobody-published';\n"],
  ['tests-are-leaves', 'packages/core/src/loop.ts', "export * from './inner.test.ts';\n"],
  ['environment-in-composition-root', 'packages/core/src/loop.ts', 'export const key = process.env.KEY;\n'],
  [
    'environment-in-composition-root',
    'packages/tools/src/planted.ts',
    "import { env } from 'node:process';\nenv.KEY;\n",
  ],
  ['environment-in-composition-root', 'packages/tools/src/planted.ts', "export const key = process['env'];\n"],
  ['environment-in-composition-root', 'packages/tools/src/planted.ts', 'export const { env: all } = process;\n'],
];

const cleanup: string[] = [];
afterEach(() => {
  for (const folder of cleanup.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('the layer check', () => {
  it('passes this repository', async () => {
    const { files, violations } = await checkLayers(root);
    expect(violations).toEqual([]);
    expect(files).toBeGreaterThan(20);
  });

  it('passes the small workspace that the violations are planted in', async () => {
    const { files, violations } = await checkLayers(smallWorkspace());
    expect(violations).toEqual([]);
    expect(files).toBeGreaterThan(10);
  });

  it.each(plants.map(([rule, file, source]) => ({ rule, file, source })))(
    'finds a planted violation of $rule in $file',
    async ({ rule, file, source }) => {
      const workspace = smallWorkspace();
      writeFileSync(path.join(workspace, file), source);
      const { violations } = await checkLayers(workspace);
      expect(violations.map((violation) => violation.rule)).toContain(rule);
    },
  );

  it('has a planted violation for every rule', () => {
    const planted = new Set(plants.map(([rule]) => rule));
    expect(layerRules.map(({ name = '' }) => name).filter((name) => !planted.has(name))).toEqual([]);
  });
});

/** The manifests of this workspace with one-line sources: as strict about names, and checked in a fraction of the time. */
function smallWorkspace(): string {
  const workspace = realpathSync(mkdtempSync(path.join(tmpdir(), 'genie-layers-')));
  cleanup.push(workspace);
  const write = (file: string, source: string) => {
    mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
    writeFileSync(path.join(workspace, file), source);
  };
  for (const name of readdirSync(path.join(root, 'packages'))) {
    write(`packages/${name}/src/index.ts`, `export const name = '${name}';\n`);
    cpSync(path.join(root, 'packages', name, 'package.json'), path.join(workspace, 'packages', name, 'package.json'));
    link(path.join(workspace, 'packages', name), path.join(workspace, 'node_modules/@genie', name));
  }
  write('packages/core/src/journal.ts', "export type { There as Back } from './loop.ts';\n");
  write('packages/core/src/loop.ts', 'export type There = 1;\n');
  write('packages/core/src/lib/inner.ts', 'export const inner = 1;\n');
  write('packages/core/src/inner.test.ts', "import { inner } from './lib/inner.ts';\nexport { inner };\n");
  write('packages/tools/src/planted.ts', "// Speaks of process.env only.\nexport * from '@genie/core';\n");
  write('scripts/planted.ts', "export * from '@genie/cli';\n");
  write('node_modules/undici/package.json', '{ "name": "undici", "version": "1.0.0", "main": "index.js" }');
  write('node_modules/undici/index.js', 'module.exports = {};\n');
  write(
    'node_modules/@types/turndown/package.json',
    '{ "name": "@types/turndown", "version": "1.0.0", "main": "index.js" }',
  );
  write('node_modules/@types/turndown/index.js', 'module.exports = {};\n');
  return workspace;
}

function link(target: string, from: string): void {
  mkdirSync(path.dirname(from), { recursive: true });
  symlinkSync(target, from, 'junction');
}
