import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { homeFolders } from '@genie/core/home';
import { openMemory } from '@genie/memory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../lib/testing/cli-fixture.ts';

let cli: CliFixture;
let dir: string;

beforeAll(async () => {
  cli = createCliFixture();
  const home = cli.home('diary', { goal: 'Keep a diary' });
  dir = homeFolders(home).memory;
  const memory = openMemory({ dir });
  await memory.remember([
    { id: 'cello', text: 'Mara plays the cello', speaker: 'Mara', source: 'chat/1', eventTime: '2026-03-01' },
    { id: 'pin', text: 'The safe opens with 4711', source: 'chat/2', eventTime: '2026-03-05T10:00Z' },
    { id: 'boat', text: 'Joel sold his boat', speaker: 'Joel', source: 'chat/2', eventTime: '2026-03-06T09:00Z' },
  ]);
  await memory.close();
});
afterAll(() => cli.remove());

const ran = (...args: string[]) => cli.inProcess(['memory', 'diary', ...args]);
const json = async (...args: string[]): Promise<Record<string, unknown>> => {
  const ended = await ran(...args, '--json');
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(ended.stdout) as Record<string, unknown>;
};

describe('genie memory search', () => {
  it('explains each score and says where a memory comes from', async () => {
    const { stdout } = await ran('search', 'which', 'instrument', '--explain');
    expect(stdout).toMatch(/Mara plays the cello[\s\S]*bm25 [\d.]+ .*speaker 1 .*[\s\S]*said by Mara, happened/);
    expect((await ran('search', 'instrument')).stdout).not.toContain('bm25');
  });

  it('keeps to speakers and times, the day of --to included', async () => {
    expect(await json('search', 'Mara Joel safe cello boat', '--speaker', 'Joel')).toMatchObject({
      items: [{ id: 'boat' }],
    });
    expect(
      await json('search', 'Mara Joel safe cello boat', '--from', '2026-03-02', '--to', '2026-03-05'),
    ).toMatchObject({ items: [{ id: 'pin' }] });
    expect(await ran('search', 'x', '--from', 'tomorrowish')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_MEMORY_INPUT'),
    });
  });
});

describe('genie memory export, import, forget', () => {
  it('moves everything, forgets after a yes, and an import does not bring it back', async () => {
    const file = join(cli.folder, 'diary.jsonl');
    expect(await json('export', '--output', file)).toEqual({ output: file, records: 3 });
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(await ran('export', '--output', file)).toMatchObject({ code: 1, stderr: expect.stringContaining('exists') });
    expect((await ran('export')).stdout).toBe(readFileSync(file, 'utf8'));
    expect(await json('forget', '--source', 'chat/2', '--dry-run')).toMatchObject({
      dryRun: true,
      ids: ['pin', 'boat'],
    });
    expect(await ran('forget', 'pin')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await json('list')).toMatchObject({ records: [{ id: 'boat' }, { id: 'pin' }, { id: 'cello' }] });
    const { stdout } = await ran('forget', 'pin', '--yes');
    expect(stdout).toContain('Forgot 1 memory (1 associative).');
    expect(stdout).not.toContain('4711');
    expect(await json('import', file)).toEqual({ stored: 0, skipped: 3 });
    expect(await json('search', 'safe opens 4711')).toMatchObject({ items: [] });
    expect(readFileSync(join(dir, 'knowledge.db')).includes('4711')).toBe(false);
    expect((await ran('forget', 'pin', '--yes')).stdout).toContain('Nothing matches');
  });

  it('stops at a line that is no memory and at a file that is not there', async () => {
    const broken = join(cli.folder, 'broken.jsonl');
    writeFileSync(broken, '{"format":"genie-memory","version":1}\n{"id":3}\n');
    expect(await ran('import', broken)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_MEMORY_IMPORT'),
    });
    for (const path of ['nowhere.jsonl', '.'])
      expect(await ran('import', path)).toMatchObject({ code: 2, stderr: expect.stringContaining(path) });
    expect(await ran('import')).toMatchObject({ code: 2 });
  });

  it.each([
    [['forget'], 'needs ids'],
    [['forget', 'a', '--all'], 'not both'],
    [['forget', '--all', '--query', 'x'], '--all selects everything'],
  ])('%j is wrong usage', async (args, words) => {
    expect(await ran(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
  });
});

describe('genie memory consolidate and verify', () => {
  it('tidies, can be undone, and says whether the memory is whole', async () => {
    const memory = openMemory({ dir });
    for (const id of ['n1', 'n2', 'n3']) await memory.remember({ id, text: 'The build is green again', source: 'ci' });
    for (let at = 0; at < 8; at += 1)
      await memory.remember({ id: `f${at}`, text: `Filler number ${at} about topic ${at}` });
    await memory.close();
    const receipt = await json('consolidate');
    expect(receipt).toMatchObject({ merged: 2, complete: true, operationId: expect.any(String) });
    expect(await json('consolidate', '--undo', String(receipt.operationId))).toMatchObject({ restored: 3 });
    expect(await json('verify')).toEqual({ ok: true, problems: [] });
    expect((await ran('verify')).stdout).toBe('The memory is whole.\n');
  });
});

describe('an encrypted memory', () => {
  it('opens with the passphrase of the environment only', async () => {
    const home = cli.home('sealed', { goal: 'Keep a secret' });
    const folder = homeFolders(home).memory;
    const memory = openMemory({ dir: folder, cipher: { passphrase: 'a sentence nobody guesses' } });
    await memory.remember({ id: 's', text: 'The treasure is under the pear tree' });
    await memory.close();
    const ask = (passphrase?: string) =>
      cli.inProcess(['memory', 'sealed', 'search', 'treasure'], {
        ...(passphrase === undefined ? {} : { environment: { GENIE_MEMORY_PASSPHRASE: passphrase } }),
      });
    expect((await ask('a sentence nobody guesses')).stdout).toContain('pear tree');
    for (const wrong of [undefined, 'another sentence, wrong']) {
      expect(await ask(wrong)).toMatchObject({ code: 1, stderr: expect.stringContaining('GENIE_MEMORY_CIPHER') });
    }
    expect(existsSync(join(folder, 'knowledge.db'))).toBe(false);
  });
});
