import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type ConformanceCase,
  type ConformanceSuite,
  expectCode,
  expectEqual,
  expectThat,
} from '@genie/core/conformance';
import type { FolderSandbox } from '../experiments/sandbox-folders.ts';

/** A fresh sandbox and an empty folder that the suite may fill. */
export interface FolderSandboxSetup {
  readonly sandbox: FolderSandbox;
  readonly scratch: string;
}

function fill(scratch: string): string {
  const from = path.join(scratch, 'original');
  mkdirSync(path.join(from, 'deep', 'er'), { recursive: true });
  mkdirSync(path.join(from, 'empty'));
  writeFileSync(path.join(from, 'a.txt'), 'original');
  writeFileSync(path.join(from, 'deep', 'er', 'b.bin'), Buffer.from([0, 255, 10, 13]));
  writeFileSync(path.join(from, 'zero'), '');
  return from;
}

const cases: ConformanceCase<FolderSandboxSetup>[] = [
  {
    name: 'copies files, folders and empty folders, and counts them',
    async run({ sandbox, scratch }) {
      const from = fill(scratch);
      const copy = await sandbox.create({ id: 'one', from });
      expectEqual(readdirSync(copy.folder).sort(), ['a.txt', 'deep', 'empty', 'zero'], 'names');
      expectEqual([...readFileSync(path.join(copy.folder, 'deep', 'er', 'b.bin'))], [0, 255, 10, 13], 'content');
      expectEqual([copy.files, copy.bytes], [3, 12], 'files and bytes');
    },
  },
  {
    name: 'isolates: writing in place, appending and deleting in the copy leave the original alone, and the other way round',
    async run({ sandbox, scratch }) {
      const from = fill(scratch);
      const { folder } = await sandbox.create({ id: 'one', from });
      writeFileSync(path.join(folder, 'a.txt'), 'XX', { flag: 'r+' });
      writeFileSync(path.join(folder, 'zero'), 'more', { flag: 'a' });
      expectEqual(readFileSync(path.join(from, 'a.txt'), 'utf8'), 'original', 'the original after a write in place');
      expectEqual(statSync(path.join(from, 'zero')).size, 0, 'size of the original after appending to the copy');
      writeFileSync(path.join(from, 'deep', 'er', 'b.bin'), 'Y', { flag: 'r+' });
      expectEqual(
        readFileSync(path.join(folder, 'deep', 'er', 'b.bin'))[0],
        0,
        'the copy after a write in the original',
      );
    },
  },
  {
    name: 'keeps links inside, and leaves out links that lead out',
    async run({ sandbox, scratch }) {
      const from = fill(scratch);
      writeFileSync(path.join(scratch, 'secret'), 'secret');
      symlinkSync('a.txt', path.join(from, 'inner'));
      symlinkSync(path.join(from, 'a.txt'), path.join(from, 'absolute'));
      symlinkSync(path.join(scratch, 'secret'), path.join(from, 'outer'));
      symlinkSync('..', path.join(from, 'up'));
      const copy = await sandbox.create({ id: 'one', from });
      expectEqual([...copy.skipped].sort(), ['outer', 'up'], 'links left out');
      expectThat(!existsSync(path.join(copy.folder, 'outer')), 'a link that leads out was copied');
      for (const name of ['inner', 'absolute']) writeFileSync(path.join(copy.folder, name), 'changed');
      expectEqual(
        readFileSync(path.join(from, 'a.txt'), 'utf8'),
        'original',
        'the original after a write through a link',
      );
      expectEqual(
        readFileSync(path.join(copy.folder, 'a.txt'), 'utf8'),
        'changed',
        'the copy after a write through a link',
      );
    },
  },
  {
    name: 'refuses names that are no names, and names that are taken',
    async run({ sandbox, scratch }) {
      const from = fill(scratch);
      for (const id of ['', '..', 'a/b', 'a\\b', '.', 'a b'])
        await expectCode(sandbox.create({ id, from }), 'GENIE_EXPERIMENT_ID');
      await expectCode(sandbox.remove('../original'), 'GENIE_EXPERIMENT_ID');
      await sandbox.create({ id: 'one', from });
      await expectCode(sandbox.create({ id: 'one', from }), 'GENIE_EXPERIMENT_ID');
    },
  },
  {
    name: 'leaves nothing behind when the folder is missing or the copy is aborted',
    async run({ sandbox, scratch }) {
      await expectCode(sandbox.create({ id: 'none', from: path.join(scratch, 'missing') }), 'GENIE_EXPERIMENT_COPY');
      const from = fill(scratch);
      const reason = new Error('stop');
      const aborted = await sandbox
        .create({ id: 'two', from, signal: AbortSignal.abort(reason) })
        .catch((error: unknown) => error);
      expectThat(aborted === reason, `an aborted copy rejects with the signal's reason, got ${String(aborted)}`);
      expectEqual(await sandbox.list(), [], 'copies');
    },
  },
  {
    name: 'lists finished copies and removes one at a time',
    async run({ sandbox, scratch }) {
      const from = fill(scratch);
      for (const id of ['b', 'a']) await sandbox.create({ id, from });
      expectEqual(
        (await sandbox.list()).map((one) => one.id),
        ['a', 'b'],
        'names',
      );
      expectEqual([await sandbox.remove('a'), await sandbox.remove('a')], [true, false], 'whether there was one');
      expectEqual(
        (await sandbox.list()).map((one) => one.id),
        ['b'],
        'names after removing',
      );
      expectThat(existsSync(path.join(from, 'a.txt')), 'removing a copy touched the original');
    },
  },
  {
    name: 'tells how far it is',
    async run({ sandbox, scratch }) {
      const from = fill(scratch);
      const seen: number[] = [];
      const copy = await sandbox.create({ id: 'one', from, onProgress: ({ bytes }) => seen.push(bytes) });
      expectEqual(seen.at(-1), copy.bytes, 'bytes of the last progress');
    },
  },
];

/** What every place for isolated copies promises. Run it with `runConformance` of `@genie/core/conformance`. */
export const folderSandboxSuite: ConformanceSuite<FolderSandboxSetup> = { port: 'folder sandbox', cases };
