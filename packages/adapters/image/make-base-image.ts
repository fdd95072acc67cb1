// Makes the image that tests and benches start containers from, without a registry: a small Debian from debootstrap, the workspace's Node,
// the door program, the user, the mount points. Needs root, debootstrap and a Docker daemon. The root file system is kept as a tar file, so
// that a second call only imports it, or does nothing when the image is there.
//
//   node --conditions=@genie/source packages/adapters/image/make-base-image.ts [--cache /var/cache/genie-image]
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { doorProgram, doorSource } from '../src/lib/docker/door.ts';

const suite = 'bookworm';
const packages = 'ca-certificates,git';
const user = 65_532;

export interface BaseImage {
  readonly image: string;
  /** What was done: nothing, the import, or everything. */
  readonly made: 'present' | 'imported' | 'built';
}

/** The image's tag names what it was made of, so a changed door or another Node makes another image. */
export function makeBaseImage(cacheFolder: string): BaseImage {
  const version = createHash('sha256')
    .update(`3 ${suite} ${packages} ${process.version} ${doorSource}`)
    .digest('hex')
    .slice(0, 12);
  const image = `genie-base:${version}`;
  if (isPresent(image)) return { image, made: 'present' };
  const tar = path.join(cacheFolder, `root-${version}.tar`);
  const cached = existsSync(tar);
  if (!cached) buildRoot(tar);
  const changes = ['ENV PATH=/usr/local/bin:/usr/bin:/bin', `USER ${user}:${user}`, 'WORKDIR /genie'];
  run('docker', ['import', ...changes.flatMap((change) => ['--change', change]), tar, image]);
  return { image, made: cached ? 'imported' : 'built' };
}

function isPresent(image: string): boolean {
  try {
    execFileSync('docker', ['image', 'inspect', image], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

function buildRoot(tar: string): void {
  mkdirSync(path.dirname(tar), { recursive: true });
  const root = mkdtempSync(path.join(tmpdir(), 'genie-root-'));
  try {
    run('debootstrap', ['--variant=minbase', `--include=${packages}`, suite, root]);
    for (const folder of [
      'usr/share/doc',
      'usr/share/man',
      'usr/share/locale',
      'var/cache/apt',
      'var/lib/apt/lists',
      'var/log',
    ])
      rmSync(path.join(root, folder), { recursive: true, force: true });
    cpSync(process.execPath, path.join(root, 'usr/local/bin/node'));
    const door = path.join(root, doorProgram);
    mkdirSync(path.dirname(door), { recursive: true });
    writeFileSync(door, doorSource);
    writeFileSync(
      path.join(root, 'etc/passwd'),
      `${readFileSync(path.join(root, 'etc/passwd'), 'utf8')}genie:x:${user}:${user}::/genie:/bin/sh\n`,
    );
    writeFileSync(
      path.join(root, 'etc/group'),
      `${readFileSync(path.join(root, 'etc/group'), 'utf8')}genie:x:${user}:\n`,
    );
    for (const folder of ['genie', 'workspace', 'run/genie']) {
      mkdirSync(path.join(root, folder), { recursive: true });
      chownSync(path.join(root, folder), user, user);
    }
    const partial = `${tar}.${process.pid}`;
    run('tar', ['-C', root, '--numeric-owner', '--one-file-system', '-cf', partial, '.']);
    renameSync(partial, tar);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 2 ** 20 });
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { cache: { type: 'string', default: '/var/cache/genie-image' } } });
  const { image, made } = makeBaseImage(values.cache);
  process.stdout.write(`${image} (${made})\n`);
}
