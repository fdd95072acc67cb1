import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry } from './audit-record.ts';
import { openAudit } from './open-audit.ts';
import { queryAudit, verifyAudit } from './query-audit.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'genie-audit-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const entry = (at: number, extra: Partial<AuditEntry> = {}): AuditEntry => ({
  event: 'allowed',
  at,
  exitId: `exit_${at}`,
  host: 'example.com',
  port: 443,
  ...extra,
});

async function write(entries: readonly AuditEntry[], maxSegmentBytes = 1_000_000): Promise<void> {
  const log = openAudit({ dir, maxSegmentBytes });
  for (const one of entries) await log.append(one);
  await log.close();
}

async function times(): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const { at } of queryAudit(dir)) found.push(at);
  return found;
}

const segment = (number: number): string => join(dir, `egress-${String(number).padStart(8, '0')}.jsonl`);

describe('reading a log', () => {
  it('rejects with a code when a file in it cannot be read, instead of showing less', async () => {
    await write([entry(1), entry(2)]);
    // Reading a folder fails in the middle, as a bad disk does.
    mkdirSync(segment(2));
    await expect(times()).rejects.toMatchObject({ code: 'GENIE_EGRESS_AUDIT' });
    await expect(verifyAudit(dir)).rejects.toMatchObject({ code: 'GENIE_EGRESS_AUDIT' });
  });

  it('rejects with a code when there is no log', async () => {
    await expect(verifyAudit(join(dir, 'none'))).rejects.toMatchObject({ code: 'GENIE_EGRESS_AUDIT' });
  });

  it('goes on when rotation deletes the oldest file before it is read, and not when a later one is missing', async () => {
    await write(
      [1, 2, 3, 4].map((at) => entry(at)),
      1,
    );
    const oldest = queryAudit(dir)[Symbol.asyncIterator]();
    const first = oldest.next();
    rmSync(segment(1));
    expect((await first).value).toMatchObject({ at: 2 });
    rmSync(segment(4));
    const rest = (async () => {
      while (!(await oldest.next()).done);
    })();
    await expect(rest).rejects.toMatchObject({ code: 'GENIE_EGRESS_AUDIT' });
  });

  it('reads entries with the line separators of Unicode, and lines longer than one read', async () => {
    await write([entry(1, { tool: 'a\u2028b' }), entry(2, { path: `/${'x'.repeat(200_000)}` }), entry(3)]);
    expect(await times()).toEqual([1, 2, 3]);
    expect(await verifyAudit(dir)).toEqual({ isIntact: true, entries: 3, problems: [] });
  });
});
