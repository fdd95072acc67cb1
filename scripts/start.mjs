#!/usr/bin/env node
// The one door of every root script. A machine may have nothing but Node 20 and npm, so this file is plain JavaScript: it installs the
// workspace when the lockfile changed, then hands over to the Node 24 of the workspace, which runs TypeScript sources as they are.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM = 'pnpm@12.4.2';
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const windows = process.platform === 'win32';
const nodeFolder = path.join(root, 'node_modules', 'node', 'bin');
const node = path.join(nodeFolder, windows ? 'node.exe' : 'node');
const stamp = path.join(root, 'node_modules', '.genie-installed');

const targets = {
  check: 'scripts/check.ts',
  verify: 'scripts/verify.ts',
  bench: 'scripts/bench.ts',
  soak: 'scripts/soak.ts',
  docs: 'tooling/api-docs.ts',
  format: 'scripts/format.ts',
  packages: 'scripts/check-packages.ts',
  demo: 'packages/cli/demo/demo.ts',
  genie: 'packages/cli/src/main.ts',
};

const [name, ...rest] = process.argv.slice(2);
// `run FILE` is for scripts that a package brings, so that they need no line here.
const [target, args] = name === 'run' ? [rest[0], rest.slice(1)] : [targets[name], rest];
if (target === undefined) {
  fail(`Unknown target ${JSON.stringify(name)}. Use one of ${Object.keys(targets).join(', ')}, or run FILE.`, 2);
}
install();
handOver(path.resolve(root, target), args);

/** Installs only when the lockfile is not the installed one: asking pnpm costs seconds, comparing two hashes costs nothing. */
function install() {
  const wanted = lockfileHash();
  if (existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write(`Installing the workspace with ${PNPM} …\n`);
  // CI=true keeps pnpm from asking questions and from looking for updates. Progress goes to stderr: stdout belongs to the target.
  const { status, error } = spawnSync('npx', ['-y', PNPM, 'install', '--frozen-lockfile'], {
    cwd: root,
    env: { ...process.env, CI: 'true' },
    shell: windows,
    stdio: ['ignore', 2, 2],
  });
  if (error) fail(`npx could not be started: ${error.message}. Install npm, it comes with Node.`, 1);
  if (status !== 0)
    fail(`The install failed. After a change of a package.json run: npx -y ${PNPM} install`, status ?? 1);
  writeFileSync(stamp, wanted);
}

function lockfileHash() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.pnpmfile.mjs'])
    hash.update(readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

function handOver(file, argv) {
  // The command line works where its user stands; npm moves to the root and remembers that place in INIT_CWD.
  const cwd = name === 'genie' && process.cwd() === root ? (process.env.INIT_CWD ?? root) : process.cwd();
  const searchPath = [nodeFolder, path.join(root, 'node_modules', '.bin'), process.env.PATH].join(path.delimiter);
  const child = spawn(node, ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning', file, ...argv], {
    cwd: name === 'genie' ? cwd : root,
    env: { ...process.env, PATH: searchPath },
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to the whole group. Passing it on there would make one key press look like two, which means "at once".
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => terminal || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) =>
    fail(`${node} could not be started: ${error.message}. Remove node_modules and try again.`, 1),
  );
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

function fail(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
