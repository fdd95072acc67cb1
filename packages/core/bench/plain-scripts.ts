import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const packageFolder = join(import.meta.dirname, '..');

/**
 * Builds the package and writes scripts of this folder as plain JavaScript beside a link to it: what a user's process holds.
 * From the sources, the type stripper alone would add some 25 MB. Returns the folder of the scripts.
 */
export function writePlainScripts(names: readonly string[]): string {
  const built = spawnSync(process.execPath, [join(packageFolder, '../../tooling/build-package.ts')], {
    cwd: packageFolder,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`the package cannot be built: ${built.stderr}`);
  const folder = mkdtempSync(join(tmpdir(), 'genie-bench-'));
  symlinkSync(join(packageFolder, '../../node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const name of names) {
    const source = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8'));
    writeFileSync(join(folder, `${name}.js`), source.replaceAll(/from '\.\/([\w-]+)\.ts'/g, "from './$1.js'"));
  }
  return folder;
}

/** Node's flags without the condition that leads to the sources. */
export const plainFlags = process.execArgv.filter((flag) => !flag.includes('@genie/source'));
