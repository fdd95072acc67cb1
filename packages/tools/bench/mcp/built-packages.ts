import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.join(import.meta.dirname, '../../../..');
const names = ['core', 'memory', 'metrics', 'tools', 'egress', 'inference', 'adapters', 'cli'];

interface Build {
  build(options: object): Promise<void>;
}

/**
 * Builds the packages in a folder of their own, the way they are published but without types, and returns the file of the
 * command line: what a client starts at a user's machine.
 */
export async function buildPackages(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'genie-built-'));
  const resolve = createRequire(path.join(root, 'tooling/package.json')).resolve;
  const { build } = (await import(pathToFileURL(resolve('tsup')).href)) as Build;
  for (const name of names) await buildOne(build, name, path.join(folder, 'node_modules/@genie', name));
  return path.join(folder, 'node_modules/@genie/cli/dist/main.js');
}

async function buildOne(build: Build['build'], name: string, target: string): Promise<void> {
  const source = path.join(root, 'packages', name);
  const manifest = JSON.parse(readFileSync(path.join(source, 'package.json'), 'utf8'));
  const entries = [
    ...Object.values<Record<string, string>>(manifest.exports ?? {}).flatMap((entry) => entry['@genie/source'] ?? []),
    ...Object.values<string>(manifest.bin ?? {}).map((file) => file.replace(/^\.\/dist\/(.*)\.js$/, './src/$1.ts')),
  ];
  mkdirSync(path.join(target, 'node_modules'), { recursive: true });
  cpSync(path.join(source, 'package.json'), path.join(target, 'package.json'));
  await build({
    config: false,
    entry: Object.fromEntries(entries.map((file) => [path.basename(file, '.ts'), path.join(source, file)])),
    outDir: path.join(target, 'dist'),
    external: [/^[^./]/],
    format: 'esm',
    target: 'node22.18',
    platform: 'node',
    removeNodeProtocol: false,
    splitting: true,
    silent: true,
    tsconfig: path.join(source, 'tsconfig.json'),
  });
  for (const entry of readdirSync(path.join(source, 'node_modules')))
    if (entry !== '@genie' && !entry.startsWith('.'))
      symlinkSync(path.join(source, 'node_modules', entry), path.join(target, 'node_modules', entry));
}
