import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Memory } from '../memory.ts';
import { openMemory } from '../open-memory.ts';
import { runRecord } from '../testing/run-record.ts';
import { createFileCipher } from './sealed-file.ts';

let root = '';
let dir = '';
let opened: Memory[] = [];
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'genie-cipher-'));
  dir = path.join(root, 'memory');
});
afterEach(async () => {
  for (const memory of opened) await memory.close();
  opened = [];
  await rm(root, { recursive: true, force: true });
});

const cipher = { passphrase: 'correct horse battery', scryptCost: 1_024 };
function open(folder = dir, passphrase = cipher.passphrase): Memory {
  const memory = openMemory({ dir: folder, cipher: { ...cipher, passphrase } });
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

async function fill(memory: Memory): Promise<void> {
  await memory.remember(Array.from({ length: 2_200 }, (_one, at) => ({ id: `m${at}`, text: `walrus number ${at}` })));
  await memory.learn(runRecord('run_1', [['item-1', 'The walrus sang at noon']]));
  await memory.working.set('animal', 'walrus');
  await memory.core.set('favourite', 'walrus');
}

describe('cipher', () => {
  it('lets nothing readable reach the disk and gives everything back', async () => {
    const first = open();
    await fill(first);
    expect(await filesHolding('walrus')).toEqual([]);
    await first.close();
    expect(await filesHolding('walrus')).toEqual([]);
    expect(await filesHolding('CREATE TABLE')).toEqual([]);
    const second = open();
    expect((await second.recall('walrus sang')).items[0]?.id).toBe('item-1');
    expect(await second.working.get('animal')).toBe('walrus');
    expect(await second.core.get('favourite')).toBe('walrus');
    expect(await second.history.read('run_1')).toMatchObject({ runId: 'run_1' });
    expect((await second.verify()).problems).toEqual([]);
  });

  it('has what was acknowledged although it was never closed', async () => {
    await fill(open());
    const copy = path.join(root, 'copy');
    await cp(dir, copy, { recursive: true });
    const later = open(copy);
    expect((await later.stats()).live).toBe(2_203);
    expect((await later.recall('walrus sang')).items[0]?.id).toBe('item-1');
  });

  it('names a wrong passphrase and changes nothing', async () => {
    const first = open();
    await first.remember({ text: 'walrus' });
    await first.close();
    await expect(open(dir, 'another passphrase').recall('walrus')).rejects.toMatchObject({
      code: 'GENIE_MEMORY_CIPHER',
    });
    expect((await open().recall('walrus')).items).toHaveLength(1);
  });

  it('refuses to mix readable and encrypted folders', async () => {
    const first = open();
    await first.remember({ text: 'walrus' });
    await first.close();
    await expect(openMemory({ dir }).recall('walrus')).rejects.toMatchObject({ code: 'GENIE_MEMORY_CIPHER' });
    const plainDir = path.join(root, 'plain');
    const plain = openMemory({ dir: plainDir });
    await plain.remember({ text: 'walrus' });
    await plain.close();
    await expect(open(plainDir).recall('walrus')).rejects.toMatchObject({ code: 'GENIE_MEMORY_CIPHER' });
    expect(() => openMemory({ store: ':memory:', cipher })).toThrow(
      expect.objectContaining({ code: 'GENIE_MEMORY_OPTIONS' }),
    );
    expect(() => openMemory({ dir, cipher: { passphrase: 'short' } })).toThrow(
      expect.objectContaining({ code: 'GENIE_MEMORY_OPTIONS' }),
    );
  });

  it('is open once at a time, and free again when its process is gone', async () => {
    const memory = open();
    await memory.remember({ text: 'walrus' });
    await expect(open().recall('walrus')).rejects.toMatchObject({ code: 'GENIE_MEMORY_LOCKED' });
    await memory.close();
    const free = open();
    expect((await free.recall('walrus')).items).toHaveLength(1);
    await free.close();
    await writeFile(path.join(dir, 'knowledge.lock'), JSON.stringify({ pid: 2 ** 30, folder: dir }));
    expect((await open().recall('walrus')).items).toHaveLength(1);
  });

  it.skipIf(process.platform !== 'linux')(
    'is free after a restart of the system, whoever has the number now',
    async () => {
      const first = open();
      await first.remember({ text: 'walrus' });
      const lock = path.join(dir, 'knowledge.lock');
      const held = JSON.parse(await readFile(lock, 'utf8')) as object;
      await expect(open().recall('walrus')).rejects.toMatchObject({ code: 'GENIE_MEMORY_LOCKED' });
      await first.close();
      await writeFile(lock, JSON.stringify({ ...held, boot: 'the one before' }));
      expect((await open().recall('walrus')).items).toHaveLength(1);
    },
  );

  it('is made once when two open a new folder at the same time, and what the one stored stays readable', async () => {
    const both = [open(), open()];
    const results = await Promise.allSettled(both.map((memory) => memory.remember({ text: 'walrus' })));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const memory of both) await memory.close();
    expect((await open().recall('walrus')).items).toHaveLength(1);
  });

  it('puts everything under a new key, and the old passphrase opens nothing', async () => {
    const memory = open();
    await fill(memory);
    await memory.rotateKey({ ...cipher, passphrase: 'a new sentence' });
    await memory.remember({ id: 'after', text: 'walrus after rotation' });
    await memory.close();
    await expect(open().recall('walrus')).rejects.toMatchObject({ code: 'GENIE_MEMORY_CIPHER' });
    const later = open(dir, 'a new sentence');
    expect((await later.recall('rotation')).items[0]?.id).toBe('after');
    expect(await later.working.get('animal')).toBe('walrus');
    expect(await later.history.read('run_1')).toMatchObject({ runId: 'run_1' });
    expect(JSON.parse(await readFile(path.join(dir, 'knowledge.key'), 'utf8')).keys).toHaveLength(1);
  });

  it('repairs the cut of the last write and refuses any other damage', async () => {
    const memory = open();
    await memory.remember({ id: 'a', text: 'first walrus' });
    await memory.remember({ id: 'b', text: 'second walrus' });
    const log = (await readdir(dir)).find((name) => name.endsWith('.log')) ?? '';
    const cut = path.join(root, 'cut');
    const flipped = path.join(root, 'flipped');
    for (const copy of [cut, flipped]) await cp(dir, copy, { recursive: true });
    const bytes = await readFile(path.join(cut, log));
    await truncate(path.join(cut, log), bytes.length - 3);
    expect((await open(cut).list()).map(({ id }) => id)).toEqual(['a']);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    await writeFile(path.join(flipped, log), bytes);
    await expect(open(flipped).list()).rejects.toMatchObject({ code: 'GENIE_MEMORY_CIPHER' });
  });

  it('does not take one file for another', () => {
    const sealed = createFileCipher([{ generation: 1, key: new Uint8Array(32) }]);
    const bytes = sealed.encrypt(Uint8Array.of(1, 2, 3), 'working');
    expect([...sealed.decrypt(bytes, 'working')]).toEqual([1, 2, 3]);
    for (const attempt of [
      () => sealed.decrypt(bytes, 'history:run_1'),
      () => sealed.decrypt(bytes.subarray(0, 20), 'working'),
      () => createFileCipher([{ generation: 2, key: new Uint8Array(32) }]).decrypt(bytes, 'working'),
      () => createFileCipher([{ generation: 1, key: new Uint8Array(32).fill(1) }]).decrypt(bytes, 'working'),
    ]) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'GENIE_MEMORY_CIPHER' }));
    }
  });
});
