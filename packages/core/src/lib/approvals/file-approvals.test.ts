import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allowAlways, allowOnce, sampleAction, sampleRequest } from '../conformance/approvals-setup.ts';
import { approvalsSuite } from '../conformance/approvals-suite.ts';
import { runConformance } from '../conformance/conformance.ts';
import { createManualClock } from '../conformance/manual-clock.ts';
import { actionHash } from './action-hash.ts';
import type { ApprovalWarning } from './approval-store.ts';
import { nodeFileSystem } from './atomic-file.ts';
import { type OpenApprovalsOptions, openApprovals } from './file-approvals.ts';

const day = 24 * 60 * 60 * 1000;

interface Mutant {
  readonly dirOf?: (home: string) => string;
  readonly watch?: () => unknown;
}

describe('openApprovals', () => {
  let dir: string;
  let warnings: ApprovalWarning[];
  const open = (options: Partial<OpenApprovalsOptions> = {}) =>
    openApprovals({ dir, onWarning: (warning) => warnings.push(warning), ...options });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'genie-approvals-'));
    warnings = [];
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('passes the conformance suite with every capability', async () => {
    const report = await runConformance(approvalsSuite, async () => {
      const clock = createManualClock();
      const home = await mkdtemp(join(dir, 'case-'));
      const approvals = openApprovals({ dir: home, clock });
      const openAnother = async () => openApprovals({ dir: home, clock });
      return {
        setup: { approvals, clock, openAnother },
        capabilities: new Set(['durable']),
        close: () => approvals.close(),
      };
    });
    expect(report.results.filter((result) => result.status !== 'passed')).toEqual([]);
  });

  it('drops rows that were settled or expired long ago, and keeps what waits, what is recent and every grant', async () => {
    const first = open();
    const settled = await first.request(sampleRequest({ runId: 'run_1' }));
    await first.decide(settled.id, allowAlways);
    const recent = await first.request(sampleRequest({ runId: 'run_2', action: sampleAction({ subject: 'host:b' }) }));
    await first.decide(recent.id, allowOnce);
    const waiting = await first.request(
      sampleRequest({ runId: 'run_3', action: sampleAction({ subject: 'host:c' }), expiresInMs: 400 * day }),
    );
    const expired = await first.request(sampleRequest({ runId: 'run_4', action: sampleAction({ subject: 'host:d' }) }));
    await first.close();
    const longAgo = new Date(Date.now() - 200 * day);
    for (const name of await readdir(dir)) {
      const isOld = [settled, waiting, expired].some(({ id }) => name.startsWith(id));
      if (isOld) await utimes(join(dir, name), longAgo, longAgo);
    }
    const again = open();
    const left = (await again.list()).map((approval) => approval.id);
    expect(left.sort()).toEqual([recent.id, waiting.id].sort());
    expect(await again.grants.list()).toMatchObject([{ approvalId: settled.id }]);
    expect((await again.request(sampleRequest({ runId: 'run_1' }))).byGrant).toBe(true);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['rows of another process cannot be seen', { dirOf: (home: string) => join(home, 'elsewhere') }, 3],
    ['changes of another process go unnoticed', { watch: () => ({ on: () => undefined, close: () => undefined }) }, 1],
  ])('without its durability the suite fails: %s', async (_what, mutant: Mutant, failures) => {
    const report = await runConformance(
      { ...approvalsSuite, cases: approvalsSuite.cases.filter((one) => one.requires === 'durable') },
      async () => {
        const clock = createManualClock();
        const home = await mkdtemp(join(dir, 'case-'));
        const fileSystem = { ...nodeFileSystem, ...(mutant.watch ? { watch: mutant.watch as never } : {}) };
        const approvals = openApprovals({ dir: home, clock, fileSystem });
        const openAnother = async () => openApprovals({ dir: mutant.dirOf?.(home) ?? home, clock });
        return {
          setup: { approvals, clock, openAnother },
          capabilities: new Set(['durable']),
          close: () => approvals.close(),
        };
      },
      { timeoutMs: 500 },
    );
    expect(report.failed).toBe(failures);
  });

  it('touches nothing before the first call', async () => {
    const missing = join(dir, 'later');
    open({ dir: missing });
    await expect(stat(missing)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(() => openApprovals({ dir: '' })).toThrow(/pass the path of a folder/);
  });

  it('keeps rows readable by their owner only', async () => {
    if (process.platform === 'win32') return;
    const { id } = await open({ dir: join(dir, 'new') }).request(sampleRequest());
    expect((await stat(join(dir, 'new', `${id}.json`))).mode & 0o077).toBe(0);
    expect((await stat(join(dir, 'new', 'grants'))).mode & 0o077).toBe(0);
  });

  it('reads the stored format of version 1', async () => {
    const id = 'apr_01kdc1jzc00000000abcdefgh0';
    const hash = actionHash(sampleAction());
    await mkdir(join(dir, 'grants'));
    await writeFile(
      join(dir, `${id}.json`),
      `{"format":1,"id":"${id}","action":{"kind":"egress","genieId":"genie_a","subject":"egress:example.com:443:read",` +
        `"payload":{"method":"GET","url":"https://example.com/"}},"actionHash":"${hash}","title":"Read https://example.com",` +
        `"runId":"run_1","requestedAt":1767225600000,"expiresAt":1767830400000}`,
    );
    await writeFile(
      join(dir, `${id}.decision.json`),
      `{"id":"${id}","format":1,"kind":"decided","at":1767225700000,"decision":{"verdict":"allow-always","by":"user"}}`,
    );
    await writeFile(
      join(dir, 'grants', 'grant_01kdc1jzc00000000abcdefgh0.json'),
      `{"format":1,"id":"grant_01kdc1jzc00000000abcdefgh0","genieId":"genie_a","kind":"egress",` +
        `"subject":"egress:example.com:443:read","effect":"allow","grantedAt":1767225700000,"approvalId":"${id}"}`,
    );
    const approvals = open();
    expect(await approvals.get(id)).toMatchObject({
      status: 'allowed',
      runId: 'run_1',
      requestedAt: 1767225600000,
      decision: { verdict: 'allow-always', by: 'user', at: 1767225700000 },
    });
    expect(await approvals.grants.list()).toHaveLength(1);
    expect(await approvals.consume(id, sampleAction())).toBe(true);
    await writeFile(join(dir, `${id}.used`), '');
    expect((await open().get(id))?.status).toBe('used');
    expect(warnings).toEqual([]);
  });

  it('leaves no temporary files, and removes those that a killed process left', async () => {
    const abandoned = join(dir, 'tmp', 'old.tmp');
    await open().request(sampleRequest());
    await writeFile(abandoned, '{');
    await writeFile(join(dir, 'tmp', 'fresh.tmp'), '{');
    await utimes(abandoned, 1, 1);
    await open().decide((await open().list())[0]?.id ?? '', allowAlways);
    expect(await readdir(join(dir, 'tmp'))).toEqual(['fresh.tmp']);
  });

  it('skips rows it cannot read with a warning, once each, and keeps the rest', async () => {
    const approvals = open();
    const good = await approvals.request(sampleRequest());
    const cut = await approvals.request(sampleRequest({ runId: 'run_2' }));
    const edited = await approvals.request(sampleRequest({ runId: 'run_3' }));
    const text = await readFile(join(dir, `${edited.id}.json`), 'utf8');
    await writeFile(join(dir, `${edited.id}.json`), text.replace('"GET"', '"PUT"'));
    await truncate(join(dir, `${cut.id}.json`), 100);
    await writeFile(join(dir, 'apr_binary.json'), Buffer.from([0xff, 0xfe, 0]));
    await writeFile(join(dir, 'apr_future.json'), text.replace('"format":1', '"format":2'));
    await writeFile(join(dir, 'apr_renamed.json'), await readFile(join(dir, `${good.id}.json`)));
    const later = open();
    expect((await later.list()).map((row) => row.id)).toEqual([good.id]);
    expect(await later.get(edited.id)).toBeUndefined();
    await later.list();
    const reasons = warnings
      .map((warning) => `${warning.code} ${warning.message.split(': ')[1]?.split('.')[0]}`)
      .sort();
    expect(reasons).toEqual([
      'GENIE_APPROVAL_CORRUPT it has the id of another',
      'GENIE_APPROVAL_CORRUPT it is not JSON',
      'GENIE_APPROVAL_CORRUPT it is not JSON',
      'GENIE_APPROVAL_CORRUPT its action does not have the stored hash',
      'GENIE_APPROVAL_CORRUPT its format is 2, this version reads 1',
    ]);
    // The same action can be asked for again.
    expect((await later.request(sampleRequest({ runId: 'run_2' }))).status).toBe('pending');
  });

  it('a decision that cannot be read allows nothing and cannot be made again', async () => {
    const asked = await open().request(sampleRequest());
    await open().decide(asked.id, allowOnce);
    await writeFile(join(dir, `${asked.id}.decision.json`), '{"format":1,"kind":"dec');
    const later = open();
    await expect(later.consume(asked.id, sampleAction())).rejects.toMatchObject({ code: 'GENIE_APPROVAL_UNKNOWN' });
    await expect(later.decide(asked.id, allowOnce)).rejects.toMatchObject({ code: 'GENIE_APPROVAL_UNKNOWN' });
    expect((await later.request(sampleRequest())).id).not.toBe(asked.id);
  });

  it('a decision copied to another row decides nothing', async () => {
    const approvals = open();
    const allowed = await approvals.request(sampleRequest());
    const other = await approvals.request(sampleRequest({ runId: 'run_2' }));
    await approvals.decide(allowed.id, allowOnce);
    await rename(join(dir, `${allowed.id}.decision.json`), join(dir, `${other.id}.decision.json`));
    await expect(open().consume(other.id, sampleAction())).rejects.toMatchObject({ code: 'GENIE_APPROVAL_UNKNOWN' });
  });

  it('an unreadable grant answers nothing, and a foreign file in the folder is no grant', async () => {
    const approvals = open();
    const { id } = await approvals.request(sampleRequest());
    await approvals.decide(id, allowAlways);
    const [name] = await readdir(join(dir, 'grants'));
    await writeFile(join(dir, 'grants', name ?? ''), '{}');
    await writeFile(join(dir, 'grants', 'notes.txt'), 'hello');
    const later = open();
    expect(await later.grants.list()).toEqual([]);
    expect((await later.request(sampleRequest({ runId: 'run_2' }))).status).toBe('pending');
    expect(warnings.map((warning) => warning.code)).toEqual(['GENIE_APPROVAL_CORRUPT']);
  });

  it('completes an "always" whose grant was lost to a crash, but never one that was revoked', async () => {
    const approvals = open();
    const first = await approvals.request(sampleRequest());
    await approvals.decide(first.id, allowAlways);
    const [grant] = await approvals.grants.list();
    await rm(join(dir, 'grants', `${grant?.id}.json`));
    expect(await open().grants.list()).toEqual([grant]);
    await approvals.grants.revoke(grant?.id ?? '');
    expect(await open().grants.list()).toEqual([]);
  });

  it('completes a request whose second name was lost to a crash', async () => {
    const asked = await open().request(sampleRequest());
    await rm(join(dir, `${asked.id}.json`));
    expect(await open().list()).toEqual([]);
    expect((await open().request(sampleRequest())).id).toBe(asked.id);
    expect((await open().list()).map((row) => row.id)).toEqual([asked.id]);
  });

  it('reports a full disk with a code, loses nothing, and goes on when there is space', async () => {
    let isFull = true;
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const openFile: typeof nodeFileSystem.open = async (path, flags, mode) => {
      if (isFull && flags === 'wx') throw full;
      return nodeFileSystem.open(path, flags, mode);
    };
    const approvals = open({ fileSystem: { ...nodeFileSystem, open: openFile } });
    await expect(approvals.request(sampleRequest())).rejects.toMatchObject({
      code: 'GENIE_APPROVAL_STORE',
      details: { systemCode: 'ENOSPC' },
    });
    isFull = false;
    const { id } = await approvals.request(sampleRequest());
    isFull = true;
    await expect(approvals.decide(id, allowOnce)).rejects.toMatchObject({ code: 'GENIE_APPROVAL_STORE' });
    isFull = false;
    expect((await approvals.decide(id, allowOnce)).status).toBe('allowed');
    expect(await approvals.consume(id, sampleAction())).toBe(true);
  });

  it('a use whose sync failed is reported and counts as used', async () => {
    const asked = await open().request(sampleRequest());
    await open().decide(asked.id, allowOnce);
    const openFile: typeof nodeFileSystem.open = async (path, flags, mode) => {
      const file = await nodeFileSystem.open(path, flags, mode);
      if (String(path).endsWith('.used')) file.sync = () => Promise.reject(new Error('EIO'));
      return file;
    };
    const failing = open({ fileSystem: { ...nodeFileSystem, open: openFile } });
    await expect(failing.consume(asked.id, sampleAction())).rejects.toMatchObject({ code: 'GENIE_APPROVAL_STORE' });
    expect(await open().consume(asked.id, sampleAction())).toBe(false);
  });

  it('finds decisions by looking when the folder cannot be watched', async () => {
    const watch = (() => {
      throw Object.assign(new Error('too many watches'), { code: 'ENOSPC' });
    }) as typeof nodeFileSystem.watch;
    const approvals = open({ fileSystem: { ...nodeFileSystem, watch } });
    const { id } = await approvals.request(sampleRequest());
    const waiting = approvals.wait(id);
    await open().decide(id, allowOnce);
    expect((await waiting).status).toBe('allowed');
    expect(warnings.map((warning) => warning.code)).toEqual(['GENIE_APPROVAL_WATCH']);
    expect(warnings[0]?.message).toContain('every 250 ms');
  });

  it('holds watchers, timers and listeners only while somebody waits', async () => {
    let watchers = 0;
    const watch = ((...rest: Parameters<typeof nodeFileSystem.watch>) => {
      const watcher = nodeFileSystem.watch(...rest);
      watchers += 1;
      watcher.on('close', () => {
        watchers -= 1;
      });
      return watcher;
    }) as typeof nodeFileSystem.watch;
    const clock = createManualClock();
    const approvals = open({ clock, fileSystem: { ...nodeFileSystem, watch } });
    const { id } = await approvals.request(sampleRequest());
    for (let round = 0; round < 3; round += 1) {
      const controller = new AbortController();
      const waits = Array.from({ length: 4 }, () => approvals.wait(id, { signal: controller.signal }));
      const settled = Promise.allSettled(waits);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect([watchers, clock.pending]).toEqual([1, 1]);
      controller.abort();
      await settled;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect([watchers, clock.pending]).toEqual([0, 0]);
    }
  });
});
