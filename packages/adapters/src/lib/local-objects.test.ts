import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalObjects } from './local-objects.ts';
import { fileNameToSegment, readKey, segmentToFileName } from './object-key.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'genie-objects-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('createLocalObjects', () => {
  it('gives back what was put, with its checksum, also from another instance', async () => {
    const content = Buffer.from('hello');
    const info = await createLocalObjects({ dir }).put('reports/Daily.md', content, { contentType: 'text/markdown' });
    expect(info).toMatchObject({ key: 'reports/Daily.md', sizeBytes: 5, contentType: 'text/markdown' });
    expect(info.sha256).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    const again = await createLocalObjects({ dir }).get('reports/Daily.md');
    expect(again && (await collect(again.content))).toEqual(content);
  });

  it('stores a stream', async () => {
    async function* pieces() {
      for (let index = 0; index < 100; index += 1) yield Buffer.alloc(10_000, index);
    }
    const store = createLocalObjects({ dir });
    expect((await store.put('big', pieces())).sizeBytes).toBe(1_000_000);
  });

  it('keeps the old object when a put fails halfway, and leaves no data behind', async () => {
    const store = createLocalObjects({ dir });
    await store.put('a', Buffer.from('old'));
    async function* broken() {
      yield Buffer.from('new');
      throw new Error('the source broke');
    }
    await expect(store.put('a', broken())).rejects.toMatchObject({ code: 'GENIE_OBJECT_STORE' });
    const kept = await store.get('a');
    expect(kept && String(await collect(kept.content))).toBe('old');
    expect(await readdir(join(dir, 'data'))).toHaveLength(1);
  });

  it('refuses content that changed on the disk', async () => {
    const store = createLocalObjects({ dir });
    await store.put('a', Buffer.from('right'));
    const [name] = await readdir(join(dir, 'data'));
    await writeFile(join(dir, 'data', name as string), 'wrong');
    const found = await store.get('a');
    await expect(collect(found?.content as AsyncIterable<Uint8Array>)).rejects.toMatchObject({
      code: 'GENIE_OBJECT_CORRUPT',
    });
  });

  it('keeps keys apart that meet as file names elsewhere', async () => {
    const store = createLocalObjects({ dir });
    const keys = ['a', 'A', 'a.json/b', 'a/b', 'con', 'CON', 'a.json'];
    for (const key of keys) await store.put(key, Buffer.from(key));
    const listed: string[] = [];
    for await (const info of store.list()) listed.push(info.key);
    expect(listed).toEqual([...keys].sort());
    for (const key of keys) {
      const found = await store.get(key);
      expect(found && String(await collect(found.content))).toBe(key);
    }
  });

  it('lists by prefix and deletes with the content', async () => {
    const store = createLocalObjects({ dir });
    await store.put('x/1', Buffer.from('1'));
    await store.put('y/1', Buffer.from('2'));
    const listed: string[] = [];
    for await (const info of store.list('x/')) listed.push(info.key);
    expect(listed).toEqual(['x/1']);
    expect(await store.delete('x/1')).toBe(true);
    expect(await store.delete('x/1')).toBe(false);
    expect(await readdir(join(dir, 'data'))).toHaveLength(1);
  });

  it.each(['', '../up', 'a/../b', '/a', 'a//b', 'a b', 'ä', 'a\0', 'a'.repeat(901)])(
    'refuses the key %j',
    async (key) => {
      await expect(createLocalObjects({ dir }).put(key, Buffer.from('x'))).rejects.toMatchObject({
        code: 'GENIE_OBJECT_KEY',
      });
    },
  );
});

describe('object keys', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/).filter((text) => text !== '.' && text !== '..');

  it('come back from their file names, and never meet another one, case folded', () => {
    fc.assert(
      fc.property(segment, segment, (left, right) => {
        expect(fileNameToSegment(segmentToFileName(left))).toBe(left);
        const isSame = segmentToFileName(left).toLowerCase() === segmentToFileName(right).toLowerCase();
        expect(isSame).toBe(left === right);
      }),
    );
  });

  it('are read as their segments', () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        expect(readKey(segments.join('/'))).toEqual(segments);
      }),
    );
  });
});
