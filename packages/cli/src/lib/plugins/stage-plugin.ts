import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { Environment } from '@genie/inference';
import { readManifest } from '@genie/tools';

/** A plugin and what it depends on, in a folder of the home that nothing else uses yet. */
export interface StagedPlugin extends Disposable {
  /** All of it; this is what is hashed and moved into its place. */
  readonly folder: string;
  /** The plugin's own folder, relative to {@link folder}. */
  readonly inner: string;
}

const npmTimeoutMs = 300_000;

/**
 * Copies a folder, or lets npm fetch a package (a name with a version, or a tarball), without running any of its scripts.
 * Throws `GENIE_PLUGIN_MANIFEST` for what cannot be had.
 */
export async function stagePlugin(
  home: string,
  { spec, workingFolder, environment }: { spec: string; workingFolder: string; environment: Environment },
): Promise<StagedPlugin> {
  mkdirSync(join(home, 'plugins'), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(home, 'plugins', '.new-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const path = resolve(workingFolder, spec);
    const inner = isFolder(path)
      ? copyFolder(path, folder)
      : await install(folder, existsSync(path) ? path : spec, environment);
    return { folder, inner, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Links stay links: nothing from beside the folder gets in. */
function copyFolder(path: string, folder: string): string {
  // What is no plugin is not copied at all.
  readManifest(path);
  cpSync(path, join(folder, 'package'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => basename(source) !== '.git',
  });
  return 'package';
}

async function install(folder: string, spec: string, environment: Environment): Promise<string> {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', ['install', '--prefix', folder, ...options, '--', spec], {
      cwd: folder,
      env: { ...environment },
      timeout: npmTimeoutMs,
      maxBuffer: 16 * 1024 * 1024,
    });
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    const [name] = Object.keys(dependencies ?? {});
    if (name === undefined) throw new Error('npm installed nothing');
    return join('node_modules', name);
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || describeThrown(error);
    throw new GenieError(
      'GENIE_PLUGIN_MANIFEST',
      `${JSON.stringify(spec)} is no folder, and npm could not install it: ${said.slice(0, 600)}`,
      { cause: error },
    );
  }
}
