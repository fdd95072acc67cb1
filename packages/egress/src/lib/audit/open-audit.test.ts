import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from './audit-record.ts';
import { maskAuthority, maskPath } from './mask.ts';
import { openAudit } from './open-audit.ts';
import { verifyAudit } from './query-audit.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'genie-audit-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const entry = (at: number, host = 'example.com'): AuditEntry => ({
  event: 'allowed',
  at,
  exitId: `exit_${at}`,
  form: 'fetch',
  method: 'GET',
  host,
  port: 443,
});

async function write(
  from: number,
  to: number,
  options: { readonly maxSegmentBytes?: number; readonly maxSegments?: number } = {},
): Promise<void> {
  const log = openAudit({ dir, ...options });
  for (let at = from; at <= to; at += 1) await log.append(entry(at, at % 2 === 0 ? 'even.test' : 'odd.test'));
  await log.close();
}

const firstSegment = (): string => join(dir, 'egress-00000001.jsonl');
const lines = (): string[] => readFileSync(firstSegment(), 'utf8').trimEnd().split('\n');

describe('openAudit', () => {
  it('goes on with the chain after it was opened again', async () => {
    await write(1, 5);
    await write(6, 9);
    expect(await verifyAudit(dir)).toEqual({ isIntact: true, entries: 9, problems: [] });
  });

  it('answers by host and time, oldest first', async () => {
    await write(1, 9);
    const found: number[] = [];
    for await (const one of openAudit({ dir }).query({ host: 'even.test', since: 4, until: 8 })) found.push(one.at);
    expect(found).toEqual([4, 6]);
  });

  it('rotates, forgets the oldest segments and still verifies', async () => {
    await write(1, 200, { maxSegmentBytes: 2_000, maxSegments: 3 });
    expect(readdirSync(dir).filter((name) => name.endsWith('.jsonl'))).toHaveLength(3);
    expect(existsSync(firstSegment())).toBe(false);
    expect((await verifyAudit(dir)).isIntact).toBe(true);
  });

  it('tries a rotation that failed again, and loses no end meanwhile', async () => {
    const log = openAudit({ dir, maxSegmentBytes: 1 });
    await log.append(entry(1));
    const second = join(dir, 'egress-00000002.jsonl');
    mkdirSync(second);
    void log.append({ ...entry(2), event: 'closed' });
    await expect(log.append(entry(3))).rejects.toThrow('EEXIST');
    rmSync(second, { recursive: true });
    await log.append(entry(4));
    await log.close();
    expect(await verifyAudit(dir)).toEqual({ isIntact: true, entries: 3, problems: [] });
  });

  it('drops a line that a crash cut off', async () => {
    await write(1, 3);
    appendFileSync(firstSegment(), '{"format":1,"seq":4,"prev');
    await write(4, 5);
    expect(await verifyAudit(dir)).toMatchObject({ isIntact: true, entries: 5 });
  });

  it.each([
    [
      'a changed entry',
      (all: string[]) => all.with(2, (all[2] ?? '').replace('odd.test', 'bad.test')),
      'entry 3 was changed',
    ],
    ['a deleted entry', (all: string[]) => all.toSpliced(2, 1), 'entry 4 does not follow entry 2'],
    [
      'two entries in another order',
      (all: string[]) => [...all.slice(0, 2), all[3] ?? '', all[2] ?? '', ...all.slice(4)],
      'entry 4 does not follow entry 2',
    ],
    ['a doubled entry', (all: string[]) => all.toSpliced(2, 0, all[2] ?? ''), 'entry 3 does not follow entry 3'],
    ['an end that was cut off', (all: string[]) => all.slice(0, 3), 'the log ends at entry 3, but it went to 6'],
    [
      'a beginning that was cut off and renumbered',
      (all: string[]) => [(all[1] ?? '').replace('"seq":2', '"seq":1'), ...all.slice(2)],
      'entry 1 was changed',
    ],
  ])('notices %s', async (_what, change, problem) => {
    await write(1, 6);
    writeFileSync(firstSegment(), `${change(lines()).join('\n')}\n`);
    const verdict = await verifyAudit(dir);
    expect(verdict.isIntact).toBe(false);
    expect(verdict.problems[0]).toBe(problem);
  });

  it('goes on noticing an end that was cut off when more was written behind it', async () => {
    await write(1, 6);
    writeFileSync(firstSegment(), `${lines().slice(0, 3).join('\n')}\n`);
    await write(7, 12);
    expect((await verifyAudit(dir)).problems).toEqual(['entry 7 does not follow entry 3']);
  });

  it('notices an end that was written anew', async () => {
    await write(1, 6);
    const head = readFileSync(join(dir, 'head.json'));
    writeFileSync(firstSegment(), `${lines().slice(0, 3).join('\n')}\n`);
    rmSync(join(dir, 'head.json'));
    await write(7, 9);
    writeFileSync(join(dir, 'head.json'), head);
    expect((await verifyAudit(dir)).problems).toEqual(['entry 6 is not the one that was noted']);
  });

  it('goes on after a crash that came right behind a rotation', async () => {
    await write(1, 5);
    writeFileSync(join(dir, 'egress-00000002.jsonl'), '');
    await write(6, 7);
    expect(await verifyAudit(dir)).toEqual({ isIntact: true, entries: 7, problems: [] });
  });

  it('finds the end of the chain in the file before, when a crash left no note of it', async () => {
    await write(1, 5);
    rmSync(join(dir, 'head.json'));
    writeFileSync(join(dir, 'egress-00000002.jsonl'), '');
    await write(6, 7);
    expect(await verifyAudit(dir)).toEqual({ isIntact: true, entries: 7, problems: [] });
  });

  it('writes ends a little later, before the log is read, and when it is closed', async () => {
    const log = openAudit({ dir });
    const end = (at: number) => ({ ...entry(at), event: 'closed' }) as const;
    expect(log.append(end(1))).toBeUndefined();
    expect(readFileSync(firstSegment(), 'utf8')).toBe('');
    const found: number[] = [];
    for await (const one of log.query()) found.push(one.at);
    expect(found).toEqual([1]);
    await log.append(end(2));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(lines()).toHaveLength(2);
    await log.append(end(3));
    await log.close();
    expect(lines()).toHaveLength(3);
  });

  it.skipIf(process.platform === 'win32')('is for the eyes of its owner', async () => {
    await write(1, 200, { maxSegmentBytes: 2_000, maxSegments: 3 });
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
  });

  it('says which folder cannot be written', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => openAudit({ dir: join(dir, 'file', 'log') })).toThrow(/audit log in .*file.*log cannot be opened/);
  });

  it('refuses to write after it was closed', async () => {
    const log = openAudit({ dir });
    await log.close();
    await expect(log.append(entry(1))).rejects.toThrow('closed');
  });
});

describe('maskPath', () => {
  it.each([
    ['/search?q=secret&page=2', '/search?q=***&page=***'],
    ['/bot123456:AAE8dkLsjf93hFkd02kslQ/send', '/***/send'],
    ['/docs/2026-11-21-a-long-title-of-a-page', '/docs/2026-11-21-a-long-title-of-a-page'],
    ['/plain', '/plain'],
    ['/x?token', '/x?***'],
    ['/hooks/sk_live_51HxK2eLkd93kfPq', '/hooks/***'],
    ['/raw/github_pat_11ABCDEFG0abcdefghij_tail', '/raw/***'],
  ])('%s becomes %s', (path, masked) => {
    expect(maskPath(path)).toBe(masked);
  });
});

describe('maskAuthority', () => {
  it.each([
    ['http://user:secret@example.com/?token=secret', '***@example.com'],
    ['user:se@cret@example.com:443', '***@example.com:443'],
    ['https://example.com/?token=secret', 'example.com'],
    ['/path?token=secret', ''],
    ['example.com?token=secret#secret', 'example.com'],
    ['x'.repeat(200), 'x'.repeat(100)],
  ])('of %s is %s', (target, masked) => {
    expect(maskAuthority(target)).toBe(masked);
  });
});
