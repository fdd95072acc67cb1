// Checks the packages as their users get them: built, packed, linted, installed by plain npm into an empty project, imported from plain
// JavaScript on the oldest Node they promise and on the newest this workspace has.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Command, runCommand } from './run-command.ts';

const root = path.dirname(import.meta.dirname);
const oldestNode = '22.18.0';
/** What @genie/core may cost its users, dependencies included. */
const coreLimits = { packages: 12, bytes: 12 * 2 ** 20 };

interface PackedPackage {
  readonly name: string;
  readonly tarball: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
}

const temporary = mkdtempSync(path.join(tmpdir(), 'genie-packages-'));
async function main(): Promise<void> {
  const folders = readdirSync(path.join(root, 'packages'));
  await step('build', () => eachOf(folders, 2, buildPackage));
  const packed = await step('pack', () => pack(folders.length));
  await step('publint and attw', () => eachOf(packed, 2, lintTarball));
  console.log(await step('size', () => run({ program: 'size-limit', args: [] })));
  const project = await step('install', () => installAll(packed));
  await step('imports', () => importAll(project, packed));
  await step('core alone', () => installCoreAlone(packed));
  console.log(`packages: ${packed.length} packed, linted, installed and imported`);
}

async function buildPackage(folder: string): Promise<void> {
  const build = path.join(root, 'tooling', 'build-package.ts');
  await run({ program: process.execPath, args: [build], cwd: path.join(root, 'packages', folder) });
}

/** pnpm packs, because only it replaces `workspace:` and applies .pnpmfile.mjs. */
async function pack(expected: number): Promise<PackedPackage[]> {
  const args = ['-y', 'pnpm@12.4.2', '-r', '--filter', './packages/*', 'pack', '--pack-destination', temporary];
  await run({ program: 'npx', args, environment: { CI: 'true' } });
  const tarballs = readdirSync(temporary).filter((file) => file.endsWith('.tgz'));
  if (tarballs.length !== expected) throw new Error(`${expected} packages made ${tarballs.length} tarballs.`);
  return Promise.all(tarballs.map((file) => readTarball(path.join(temporary, file))));
}

async function readTarball(tarball: string): Promise<PackedPackage> {
  const files = (await run({ program: 'tar', args: ['-tzf', tarball] })).trim().split('\n');
  const stray = files.filter(
    (file) => !/^package\/(?:dist\/.+\.(?:js|d\.ts|json|sql|wasm)|package\.json|README\.md|LICENSE)$/.test(file),
  );
  if (stray.length > 0) throw new Error(`${path.basename(tarball)} would publish ${stray.join(', ')}`);
  const manifest = JSON.parse(await run({ program: 'tar', args: ['-xzOf', tarball, 'package/package.json'] }));
  if (JSON.stringify(manifest).includes('workspace:') || JSON.stringify(manifest.exports).includes('@genie/source')) {
    throw new Error(`${path.basename(tarball)} has a manifest of the workspace, not of a published package.`);
  }
  return { name: manifest.name, tarball, exports: manifest.exports, bin: manifest.bin };
}

async function lintTarball({ tarball }: PackedPackage): Promise<void> {
  await run({ program: 'publint', args: ['run', tarball, '--strict'] });
  await run({ program: 'attw', args: [tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'] });
}

async function installAll(packed: readonly PackedPackage[]): Promise<string> {
  const tarballs = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  // The overrides keep npm from asking the registry for siblings that are not published yet.
  const overrides = Object.fromEntries(packed.map(({ name }) => [name, `$${name}`]));
  return installInto('all', { dependencies: { ...tarballs, node: oldestNode }, overrides });
}

async function installInto(name: string, manifest: object): Promise<string> {
  const project = path.join(temporary, name);
  mkdirSync(project);
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', ...manifest }));
  await run({ program: 'npm', args: ['install', '--no-audit', '--no-fund'], cwd: project });
  return project;
}

async function importAll(project: string, packed: readonly PackedPackage[]): Promise<void> {
  const entries = packed.flatMap(({ name, exports }) =>
    Object.keys(exports).map((entry) => path.posix.join(name, entry)),
  );
  const lines = entries.map((entry) => `report(${JSON.stringify(entry)}, await import(${JSON.stringify(entry)}));`);
  writeFileSync(path.join(project, 'import-all.js'), `${reportSource}\n${lines.join('\n')}\n`);
  for (const node of [path.join(project, 'node_modules', 'node', 'bin', 'node'), process.execPath]) {
    console.log(await run({ program: node, args: ['import-all.js'], cwd: project }));
    for (const { name, bin } of packed) {
      for (const [command, file] of Object.entries(bin ?? {})) {
        const help = await run({
          program: node,
          args: [path.join('node_modules', name, file), '--help'],
          cwd: project,
        });
        if (!help.includes(command)) throw new Error(`${command} --help does not name its command: ${help}`);
      }
    }
  }
}

/** Entries that are programs for a process of their own: they export nothing, and do nothing when they are imported. */
const programs = ['@genie/inference/worker', '@genie/tools/plugin-host'];

const reportSource = `const programs = new Set(${JSON.stringify(programs)});
console.log('Node ' + process.versions.node);
function report(entry, module) {
  const count = Object.keys(module).length;
  console.log('  ' + entry + ': ' + count + ' exports');
  if (count === 0 && !programs.has(entry)) throw new Error(entry + ' exports nothing');
}`;

async function installCoreAlone(packed: readonly PackedPackage[]): Promise<void> {
  const core = packed.find(({ name }) => name === '@genie/core');
  if (core === undefined) throw new Error('@genie/core was not packed.');
  const project = await installInto('core', { dependencies: { [core.name]: `file:${core.tarball}` } });
  const lockfile = JSON.parse(readFileSync(path.join(project, 'package-lock.json'), 'utf8'));
  const packages = Object.keys(lockfile.packages).filter((key) => key !== '').length;
  const bytes = folderBytes(path.join(project, 'node_modules'));
  console.log(`  ${packages} packages, ${(bytes / 2 ** 20).toFixed(1)} MB`);
  if (packages > coreLimits.packages || bytes > coreLimits.bytes) {
    throw new Error(`@genie/core may bring ${coreLimits.packages} packages and ${coreLimits.bytes / 2 ** 20} MB.`);
  }
}

function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + readFileSync(path.join(file.parentPath, file.name)).byteLength, 0);
}

async function step<T>(name: string, action: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await action();
  console.log(`✓ ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}

async function eachOf<T>(items: readonly T[], atOnce: number, action: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Runs to the end and returns stdout. A failure carries everything the program said. */
async function run(command: Command): Promise<string> {
  const { code, stdout, output } = await runCommand({ cwd: root, ...command });
  if (code !== 0)
    throw new Error(`${command.program} ${command.args.join(' ')} failed with exit code ${code}\n${output}`);
  return stdout;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
