import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { GenieError } from '@genie/core/errors';
import { homeFolders, readGenieFile } from '@genie/core/home';
import { type Lease, takeLease } from '@genie/core/journal';
import { parseJson } from '@genie/core/ports';
import { z } from 'zod';
import { findSecret, type Secret } from './find-secret.ts';

/** `manifest.json` of an export, format 1. */
const manifestSchema = z.object({
  format: z.literal(1),
  genieId: z.string(),
  goal: z.string(),
  /** ISO 8601. */
  exportedAt: z.string(),
  files: z.array(z.object({ path: z.string(), sizeBytes: z.number(), sha256: z.string() })),
});

export type Manifest = z.output<typeof manifestSchema>;

export interface ArchiveOptions {
  readonly home: string;
  /** A folder that does not exist yet. */
  readonly target: string;
  /** Values that must not be in an export. */
  readonly secrets: readonly Secret[];
  readonly signal: AbortSignal;
}

/** Who owns the home now and which files are half written say nothing about the genie. */
const leftOut = /(?:^|\/)lease\/|\.tmp$/;

/**
 * Copies a home with a manifest of checksums. The home is leased meanwhile, so nothing changes under the copy; an export that
 * fails leaves nothing behind. Rejects with `GENIE_HOME_IN_USE`, `GENIE_EXPORT_EXISTS`, `GENIE_EXPORT_SECRET`.
 */
export async function archiveHome(options: ArchiveOptions): Promise<Manifest> {
  const { home, target } = options;
  const file = readGenieFile(home);
  if (await exists(target))
    throw new GenieError('GENIE_EXPORT_EXISTS', `${target} exists already. Name a folder that does not, with --to.`);
  const lease: Lease = takeLease(homeFolders(home).journal, Date.now());
  const partial = `${target}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    const files = await copyFiles(options, partial);
    const manifest: Manifest = {
      format: 1,
      genieId: file.id,
      goal: file.goal,
      exportedAt: new Date().toISOString(),
      files,
    };
    await writeFile(join(partial, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
    await rename(partial, target);
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    lease.release();
  }
}

async function copyFiles({ home, secrets, signal }: ArchiveOptions, partial: string): Promise<Manifest['files']> {
  const files: Manifest['files'] = [];
  for (const path of await listFiles(home)) {
    signal.throwIfAborted();
    const source = join(home, path);
    const secret = await findSecret(source, secrets);
    if (secret !== undefined) {
      throw new GenieError(
        'GENIE_EXPORT_SECRET',
        `${source} holds the value of ${secret}. Remove it there; exports hold no secrets.`,
      );
    }
    const copy = join(partial, 'home', path);
    await mkdir(dirname(copy), { recursive: true, mode: 0o700 });
    await copyFile(source, copy);
    files.push({ path, sizeBytes: (await stat(copy)).size, sha256: await hashFile(copy) });
  }
  return files;
}

async function listFiles(home: string): Promise<readonly string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(home, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !leftOut.test(path))
    .sort();
}

/** What does not fit its manifest, one line each. Empty when the export is whole. Rejects with `GENIE_EXPORT_MANIFEST`. */
export async function checkArchive(
  folder: string,
): Promise<{ readonly manifest: Manifest; readonly problems: readonly string[] }> {
  const manifest = await readManifest(folder);
  const problems: string[] = [];
  const known = new Set(manifest.files.map(({ path }) => path));
  for (const { path, sha256 } of manifest.files) {
    const hash = await hashFile(join(folder, 'home', path)).catch(() => undefined);
    if (hash === undefined) problems.push(`${path} is missing`);
    else if (hash !== sha256) problems.push(`${path} was changed`);
  }
  for (const path of await listFiles(join(folder, 'home')))
    if (!known.has(path)) problems.push(`${path} is not in the manifest`);
  return { manifest, problems };
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json');
  try {
    return manifestSchema.parse(parseJson(await readFile(path, 'utf8')));
  } catch (error) {
    throw new GenieError(
      'GENIE_EXPORT_MANIFEST',
      `${path} is no manifest of an export of format 1. Name the folder that "genie export" made.`,
      { cause: error },
    );
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
