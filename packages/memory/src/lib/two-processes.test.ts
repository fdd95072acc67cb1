import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMemory } from './open-memory.ts';
import type { AnyEmbedder } from './vectors/embedder.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'genie-two-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function filesHolding(text: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
  const contents = await Promise.all(files.map(async (file) => [file, await readFile(file)] as const));
  return contents.filter(([, content]) => content.includes(text)).map(([file]) => path.relative(dir, file));
}

/** One direction for each letter. */
const embedder: AnyEmbedder = {
  id: 'letters',
  embed: async (texts) => texts.map((text) => [...'abcdefgh'].map((letter) => text.split(letter).length - 1 || 0.01)),
};

describe('two that have one memory open', () => {
  it('leave no word of what one forgot in a file that the other writes when it closes', async () => {
    const one = openMemory({ dir });
    await one.remember([
      { id: 'x', text: 'quetzalcoatl' },
      ...Array.from({ length: 2_001 }, (_one, at) => ({ text: `t${at}` })),
    ]);
    const other = openMemory({ dir });
    await other.recall('quetzalcoatl');
    await one.forget({ id: 'x' });
    await one.close();
    await other.close();
    expect(await filesHolding('quetzalcoatl')).toEqual([]);
    expect((await readdir(path.join(dir, 'vectors'))).filter((name) => name.endsWith('.words'))).toHaveLength(1);
  });

  it('keep no vector of what one forgot, and lose none of what it added or changed', async () => {
    const one = openMemory({ dir, embedder });
    await one.remember(['aaa', 'bbb', 'ccc', 'ddd'].map((text) => ({ id: text, text })));
    await one.consolidate();
    const other = openMemory({ dir, embedder });
    await other.recall('a');
    await one.forget({ id: 'bbb' });
    await one.remember([
      { id: 'new', text: 'ggg' },
      { id: 'ccc', text: 'hhh' },
    ]);
    await one.consolidate();
    await one.close();
    await other.close();
    expect(await filesHolding('"bbb"')).toEqual([]);
    const later = openMemory({ dir, embedder });
    expect((await later.recall('g', { k: 1 })).items.map(({ id }) => id)).toEqual(['new']);
    expect((await later.recall('h', { k: 1 })).items.map(({ id }) => id)).toEqual(['ccc']);
    await later.close();
  });
});
