import { cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runConformance } from '@genie/core/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localFolderSandbox } from '../experiments/local-sandbox-folders.ts';
import type { FolderSandbox } from '../experiments/sandbox-folders.ts';
import { folderSandboxSuite } from './folder-sandbox-suite.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'genie-folders-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
async function fresh(breakIt: (sandbox: FolderSandbox, copies: string) => Partial<FolderSandbox> = () => ({})) {
  const place = path.join(root, `${count++}`);
  const scratch = path.join(place, 'scratch');
  mkdirSync(scratch, { recursive: true });
  const copies = path.join(place, 'copies');
  const sandbox = localFolderSandbox(copies);
  return { setup: { sandbox: { ...sandbox, ...breakIt(sandbox, copies) }, scratch } };
}

describe('folderSandboxSuite', () => {
  it('is passed by the local sandbox', async () => {
    const { results } = await runConformance(folderSandboxSuite, () => fresh());
    expect(results.filter((one) => one.status !== 'passed')).toEqual([]);
  });
});

const made = (id: string, folder: string) => ({ id, folder, files: 3, bytes: 12, skipped: [], tookMs: 1 });

const mutants: Readonly<Record<string, (sandbox: FolderSandbox, copies: string) => Partial<FolderSandbox>>> = {
  'copies files, folders and empty folders, and counts them': (sandbox) => ({
    create: async (request) => {
      const copy = await sandbox.create(request);
      rmSync(path.join(copy.folder, 'empty'), { recursive: true });
      return copy;
    },
  }),
  'isolates: writing in place, appending and deleting in the copy leave the original alone, and the other way round': (
    _sandbox,
    copies,
  ) => ({
    create: async ({ id, from }) => {
      const folder = path.join(copies, id);
      mkdirSync(path.join(folder, 'deep', 'er'), { recursive: true });
      for (const name of ['a.txt', 'zero', path.join('deep', 'er', 'b.bin')])
        linkSync(path.join(from, name), path.join(folder, name));
      return made(id, folder);
    },
  }),
  'keeps links inside, and leaves out links that lead out': (_sandbox, copies) => ({
    create: async ({ id, from }) => {
      cpSync(from, path.join(copies, id), { recursive: true });
      return { ...made(id, path.join(copies, id)), skipped: ['outer', 'up'] };
    },
  }),
  'refuses names that are no names, and names that are taken': (sandbox) => ({
    create: (request) => sandbox.create({ ...request, id: request.id.replaceAll(/[^\w-]/g, '_') || 'x' }),
  }),
  'leaves nothing behind when the folder is missing or the copy is aborted': (sandbox, copies) => ({
    create: async (request) => {
      mkdirSync(path.join(copies, request.id), { recursive: true });
      const copy = await localFolderSandbox(path.join(copies, '..', 'elsewhere')).create(request);
      await sandbox.remove(request.id);
      return copy;
    },
  }),
  'lists finished copies and removes one at a time': (_sandbox, copies) => ({
    remove: async () => {
      const found = existsSync(copies) && readdirSync(copies).length > 0;
      rmSync(copies, { recursive: true, force: true });
      return found;
    },
  }),
  'tells how far it is': (sandbox) => ({
    create: ({ onProgress: _onProgress, ...request }) => sandbox.create(request),
  }),
};

describe('mutants of the folder sandbox', () => {
  for (const [name, breakIt] of Object.entries(mutants)) {
    it(`"${name}" catches its mutant`, async () => {
      const cases = folderSandboxSuite.cases.filter((one) => one.name === name);
      expect(cases).toHaveLength(1);
      const { failed } = await runConformance({ ...folderSandboxSuite, cases }, () => fresh(breakIt));
      expect(failed).toBe(1);
    });
  }

  it('every case has one', () => {
    expect(folderSandboxSuite.cases.map((one) => one.name).sort()).toEqual(Object.keys(mutants).sort());
  });
});
