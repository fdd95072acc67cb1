import { join } from 'node:path';
import { describeThrown } from '../genie-error.ts';
import { grantToText, parseGrant } from './approval-records.ts';
import type { Grant } from './approvals.ts';
import {
  type ApprovalFileSystem,
  codeOf,
  createAtomically,
  readIfThere,
  syncFolder,
  writeDurably,
} from './atomic-file.ts';

interface GrantFilesDeps {
  readonly dir: string;
  readonly temporaryDir: string;
  readonly fileSystem: ApprovalFileSystem;
  report(path: string, problem: string): void;
}

interface GrantFiles {
  list(): Promise<readonly Grant[]>;
  add(grant: Grant): Promise<void>;
  remove(id: string): Promise<boolean>;
}

const idPattern = /^grant_[\w-]{1,64}$/;

/** One file a grant. A revoked one leaves `<id>.revoked`, so that repairing an interrupted "always" never brings it back. */
export function createGrantFiles({ dir, temporaryDir, fileSystem, report }: GrantFilesDeps): GrantFiles {
  const cache = new Map<string, Grant>();
  const pathOf = (id: string, ending: '.json' | '.revoked'): string => join(dir, `${id}${ending}`);

  async function read(id: string): Promise<Grant | undefined> {
    const path = pathOf(id, '.json');
    try {
      const text = await readIfThere(fileSystem, path);
      if (text === undefined) return undefined;
      const grant = parseGrant(text);
      if (grant.id === id) return grant;
      report(path, `it belongs to ${grant.id}`);
    } catch (error) {
      report(path, describeThrown(error));
    }
    return undefined;
  }

  return {
    async list() {
      const names = new Set(await fileSystem.readdir(dir));
      const grants: Grant[] = [];
      for (const name of names) {
        const id = name.endsWith('.json') ? name.slice(0, -'.json'.length) : '';
        if (!idPattern.test(id) || names.has(`${id}.revoked`)) continue;
        const grant = cache.get(id) ?? (await read(id));
        if (!grant) continue;
        cache.set(id, grant);
        grants.push(grant);
      }
      for (const id of cache.keys()) if (!names.has(`${id}.json`)) cache.delete(id);
      return grants.sort((left, right) => left.grantedAt - right.grantedAt || (left.id < right.id ? -1 : 1));
    },
    async add(grant) {
      const names = new Set(await fileSystem.readdir(dir));
      if (names.has(`${grant.id}.revoked`)) return;
      const paths = [pathOf(grant.id, '.json')] as const;
      await createAtomically(fileSystem, temporaryDir, { paths, dirs: [dir], text: grantToText(grant) });
    },
    async remove(id) {
      if (!idPattern.test(id) || !(await fileSystem.readdir(dir)).includes(`${id}.json`)) return false;
      await writeDurably(fileSystem, pathOf(id, '.revoked'), '').catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      try {
        await fileSystem.unlink(pathOf(id, '.json'));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false;
        throw error;
      }
      await syncFolder(fileSystem, dir);
      return true;
    },
  };
}
