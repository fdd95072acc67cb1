import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { describeThrown, GenieError } from '../genie-error.ts';
import type { KeepOutput } from '../loop/loop-context.ts';
import { createGenieJson, type GenieIdentity, genieFilePath, readGenieJson } from './genie-json.ts';

/** The folders of a home. The same names in a container, under `/genie`. */
export interface HomeFolders {
  readonly root: string;
  readonly journal: string;
  readonly approvals: string;
  readonly workspace: string;
  readonly artifacts: string;
  readonly memory: string;
  readonly metrics: string;
  readonly schedule: string;
}

export interface Home extends HomeFolders {
  readonly file: GenieIdentity;
}

export function homeFolders(root: string): HomeFolders {
  return {
    root,
    journal: join(root, 'journal'),
    approvals: join(root, 'approvals'),
    workspace: join(root, 'workspace'),
    artifacts: join(root, 'artifacts'),
    memory: join(root, 'memory'),
    metrics: join(root, 'memory', 'metrics'),
    schedule: join(root, 'schedule'),
  };
}

/**
 * Opens a home, and makes it when there is none yet. Throws what {@link readGenieJson} throws except
 * `GENIE_HOME_MISSING`.
 */
export function openHome(
  path: string,
  fresh: { readonly id: string; readonly goal: string; readonly createdAt: number },
): Home {
  // Once and for all: the process may change its working directory later.
  const root = resolve(path);
  const folders = homeFolders(root);
  try {
    for (const folder of [folders.workspace, folders.artifacts, folders.memory])
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new GenieError('GENIE_HOME_UNREADABLE', `The home ${root} cannot be used (${describeThrown(error)}).`, {
      cause: error,
    });
  }
  if (!fs.existsSync(genieFilePath(root))) createGenieJson(root, { format: 1, ...fresh });
  return { ...folders, file: readGenieJson(root) };
}

/** Keeps long tool results as files under `artifacts/results`, readable by name. */
export function keepOutputIn(artifacts: string): KeepOutput {
  return async ({ runId, callId }, text) => {
    const folder = join(artifacts, 'results');
    await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 });
    // The digest keeps apart what looks alike: long ids, and a call id that comes again in a later step.
    const digest = createHash('sha256')
      .update(JSON.stringify([runId, callId, text]))
      .digest('hex')
      .slice(0, 16);
    const name = `${fileName(`${runId}-${callId}`)}-${digest}`;
    await fs.promises.writeFile(join(folder, `${name}.txt`), text, { mode: 0o600 });
    return `artifacts/results/${name}.txt`;
  };
}

/** Keeps briefings as files under `artifacts/briefings`. A repeated report overwrites its own file. */
export function saveBriefingIn(artifacts: string): (runId: string, markdown: string) => Promise<void> {
  return async (runId, markdown) => {
    const folder = join(artifacts, 'briefings');
    await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${fileName(runId)}.md`);
    await fs.promises.writeFile(`${path}.tmp`, `${markdown.trimEnd()}\n`, { mode: 0o600 });
    await fs.promises.rename(`${path}.tmp`, path);
  };
}

const maxNameCharacters = 120;

/** An id as a file name. One that had to be changed for that gets a digest of its own, so that two never share a name. */
function fileName(id: string): string {
  const name = id.replace(/[^\w.-]/g, '_').slice(0, maxNameCharacters);
  if (name === id) return name;
  return `${name}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}
