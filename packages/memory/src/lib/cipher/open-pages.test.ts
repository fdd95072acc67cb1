import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Memory } from '../memory.ts';
import { openMemory } from '../open-memory.ts';
import { createDataKey, readKeyFile, writeKeyFile } from './key-file.ts';

let dir = '';
let opened: Memory[] = [];
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'genie-pages-'));
});
afterEach(async () => {
  for (const memory of opened) await memory.close();
  opened = [];
  await rm(dir, { recursive: true, force: true });
});

const cipher = { passphrase: 'correct horse battery', scryptCost: 1_024 };
function open(passphrase = cipher.passphrase, records?: 'pages'): Memory {
  const memory = openMemory({ dir, cipher: { ...cipher, passphrase, ...(records ? { records } : {}) } });
  opened.push(memory);
  return memory;
}

async function filesHolding(text: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    entries
      .filter((one) => one.isFile())
      .map(async (one) => [one.name, await readFile(path.join(one.parentPath, one.name))] as const),
  );
  return contents.filter(([, content]) => content.includes(text)).map(([name]) => name);
}

describe("cipher.records: 'pages'", () => {
  it('keeps everything encrypted on disk, open and closed, and opens as what it is', async () => {
    const first = open(undefined, 'pages');
    await first.remember(Array.from({ length: 2_200 }, (_one, at) => ({ id: `m${at}`, text: `walrus number ${at}` })));
    await first.core.set('favourite', 'walrus');
    expect(await filesHolding('walrus')).toEqual([]);
    expect(await filesHolding('CREATE TABLE')).toEqual([]);
    await first.close();
    expect(await filesHolding('walrus')).toEqual([]);
    expect(await readdir(dir)).toContain('knowledge.pages');
    const second = open();
    expect((await second.recall('walrus 77')).items[0]?.id).toBe('m77');
    expect(await second.core.get('favourite')).toBe('walrus');
    expect((await second.verify()).problems).toEqual([]);
    expect((await second.forget({ id: 'm77' })).ids).toEqual(['m77']);
    expect((await second.remember({ id: 'm77', text: 'walrus number 77' }))[0]?.status).toBe('forgotten');
  });

  it('opens only with the passphrase, and after a rotation only with the new one', async () => {
    const first = open(undefined, 'pages');
    await first.remember({ id: 'a', text: 'The safe opens with 4711' });
    await first.rotateKey({ passphrase: 'another long sentence', scryptCost: 1_024 });
    await first.remember({ id: 'b', text: 'The key is under the mat' });
    await first.close();
    await expect(open().recall('safe')).rejects.toMatchObject({ code: 'GENIE_MEMORY_CIPHER' });
    const second = open('another long sentence');
    expect((await second.recall('safe opens')).items.map(({ id }) => id)).toEqual(['a']);
    expect((await second.recall('key mat')).items.map(({ id }) => id)).toEqual(['b']);
    expect(await filesHolding('4711')).toEqual([]);
  });

  it.each(['before', 'after'])('finishes a rotation that was cut short %s the pages changed', async (when) => {
    const first = open(undefined, 'pages');
    await first.remember({ id: 'a', text: 'The safe opens with 4711' });
    if (when === 'after') {
      await first.close();
      // The key file with both keys, as a crash between its two writes leaves it, and pages under the newer one.
      const [old] = (await readKeyFile(path.join(dir, 'knowledge.key'), cipher)) ?? [];
      if (!old) throw new Error('no key');
      const rotated = open();
      await rotated.rotateKey({ passphrase: 'another long sentence', scryptCost: 1_024 });
      await rotated.close();
      const [next] =
        (await readKeyFile(path.join(dir, 'knowledge.key'), { passphrase: 'another long sentence' })) ?? [];
      if (!next) throw new Error('no key');
      await writeKeyFile(path.join(dir, 'knowledge.key'), [old, next], {
        ...cipher,
        passphrase: 'another long sentence',
      });
    } else {
      await first.close();
      const keys = (await readKeyFile(path.join(dir, 'knowledge.key'), cipher)) ?? [];
      await writeKeyFile(path.join(dir, 'knowledge.key'), [...keys, createDataKey(2)], {
        ...cipher,
        passphrase: 'another long sentence',
      });
    }
    const memory = open('another long sentence');
    expect((await memory.recall('safe opens')).items.map(({ id }) => id)).toEqual(['a']);
    await memory.close();
    expect(await readKeyFile(path.join(dir, 'knowledge.key'), { passphrase: 'another long sentence' })).toHaveLength(1);
    expect((await open('another long sentence').verify()).ok).toBe(true);
  });

  it('says that a damaged file is damaged or foreign', async () => {
    const first = open(undefined, 'pages');
    await first.remember({ id: 'a', text: 'something' });
    await first.close();
    const file = path.join(dir, 'knowledge.pages');
    const bytes = await readFile(file);
    bytes.fill(7, 100, 3_000);
    await writeFile(file, bytes);
    await expect(open().recall('something')).rejects.toMatchObject({
      code: expect.stringMatching(/^GENIE_MEMORY_(CIPHER|CORRUPT)$/),
    });
  });
});
