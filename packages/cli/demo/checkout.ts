import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A git checkout that the demo may write to. */
export interface Checkout {
  readonly path: string;
  /** Where it comes from, for the reader. */
  readonly origin: string;
  /** Writes a file and commits it. Returns the short hash. */
  commit(file: string, text: string, message: string): Promise<string>;
}

/** Clones this repository into `path`; without a `.git` (a tarball) it makes a small one out of files that are there. */
export async function prepareCheckout(root: string, path: string): Promise<Checkout> {
  const hasHistory = existsSync(join(root, '.git'));
  if (hasHistory) await git(root, 'clone', '--quiet', '--local', root, path);
  else await makeSmall(root, path);
  return {
    path,
    origin: hasHistory ? `a clone of ${root}` : 'a small repository made of files of this folder, which has no .git',
    async commit(file, text, message) {
      await mkdir(join(path, 'docs'), { recursive: true });
      await writeFile(join(path, file), text);
      return commitAll(path, message);
    },
  };
}

async function makeSmall(root: string, path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await git(path, 'init', '--quiet');
  for (const [file, message] of [
    ['LICENSE', 'Choose the licence'],
    ['package.json', 'Name the workspace and its scripts'],
    ['README.md', 'Say what this is and how to start'],
  ] as const) {
    if (!existsSync(join(root, file))) continue;
    await copyFile(join(root, file), join(path, basename(file)));
    await commitAll(path, message);
  }
}

async function commitAll(path: string, message: string): Promise<string> {
  await git(path, 'add', '--all');
  await git(
    path,
    '-c',
    'user.name=Demo',
    '-c',
    'user.email=demo@example.test',
    '-c',
    'commit.gpgsign=false',
    'commit',
    '--quiet',
    '--no-verify',
    '--message',
    message,
  );
  const { stdout } = await git(path, 'rev-parse', '--short', 'HEAD');
  return stdout.trim();
}

/** A checkout that another user of this machine owns may be read: it is only cloned. */
function git(folder: string, ...args: string[]): Promise<{ stdout: string }> {
  const environment = {
    ...process.env,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
  return run('git', args, { cwd: folder, env: environment, timeout: 60_000 });
}
