import { join } from 'node:path';
import { parseRow } from './approval-records.ts';
import { type ApprovalFileSystem, codeOf, readIfThere } from './atomic-file.ts';

/** Decided and expired rows stay this long, as closed runs do in the journal. */
export const keepRowsMs = 90 * 24 * 60 * 60 * 1000;

interface RetentionDeps {
  readonly dir: string;
  readonly fileSystem: ApprovalFileSystem;
  /** The system's time, whatever clock the genie runs on: it is compared with the times of files. */
  readonly now: number;
}

/**
 * Removes rows that were settled, or expired, longer than {@link keepRowsMs} ago. What still waits stays, and grants are
 * files of their own: an "always" outlives the row it came from. The names in `by-action` go first, so an interruption leaves
 * a row that is found again, never a name without one.
 */
export async function dropOldRows({ dir, fileSystem, now }: RetentionDeps): Promise<number> {
  const names = new Set(await fileSystem.readdir(dir));
  const old = new Set<string>();
  for (const name of names) {
    const id = /^(apr_[\w-]{1,64})\.json$/.exec(name)?.[1];
    if (id !== undefined && (await isOld(id, names, { dir, fileSystem, now }))) old.add(id);
  }
  if (old.size === 0) return 0;
  await dropActionNames(old, { dir, fileSystem, now });
  for (const id of old) {
    // The request last: without it the other two mean nothing, with it a lost decision would ask again.
    for (const ending of ['.json', '.used', '.decision.json']) {
      if (names.has(`${id}${ending}`)) await unlinkIfThere(fileSystem, join(dir, `${id}${ending}`));
    }
  }
  return old.size;
}

async function isOld(id: string, names: ReadonlySet<string>, deps: RetentionDeps): Promise<boolean> {
  const { dir, fileSystem, now } = deps;
  const decision = `${id}.decision.json`;
  const newest = join(dir, names.has(decision) ? decision : `${id}.json`);
  const info = await fileSystem.stat(newest).catch(() => undefined);
  if (!info || now - info.mtimeMs < keepRowsMs) return false;
  if (names.has(decision)) return true;
  const row = parseOrSkip(await readIfThere(fileSystem, newest));
  return row !== undefined && now - info.mtimeMs - (row.expiresAt - row.requestedAt) >= keepRowsMs;
}

async function dropActionNames(old: ReadonlySet<string>, { dir, fileSystem }: RetentionDeps): Promise<void> {
  const root = join(dir, 'by-action');
  for (const shard of await fileSystem.readdir(root)) {
    for (const name of await fileSystem.readdir(join(root, shard))) {
      const path = join(root, shard, name);
      const row = parseOrSkip(await readIfThere(fileSystem, path));
      if (row && old.has(row.id)) await unlinkIfThere(fileSystem, path);
    }
  }
}

/** Two processes may tidy at once. */
async function unlinkIfThere(fileSystem: ApprovalFileSystem, path: string): Promise<void> {
  await fileSystem.unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

/** A file that cannot be understood is left where it is; whoever needs it reports it. */
function parseOrSkip(text: string | undefined): ReturnType<typeof parseRow> | undefined {
  try {
    return text === undefined ? undefined : parseRow(text);
  } catch {
    return undefined;
  }
}
