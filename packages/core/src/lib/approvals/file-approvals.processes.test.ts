import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allowOnce, deny, sampleAction, sampleRequest } from '../conformance/approvals-setup.ts';
import { openApprovals } from './file-approvals.ts';

const moduleUrl = new URL('./file-approvals.ts', import.meta.url).href;

describe('openApprovals in several processes', () => {
  let dir: string;
  const children = new Set<ChildProcess>();

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'genie-approvals-'));
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await rm(dir, { recursive: true, force: true });
  });

  /** Runs `body` in a process of its own, with `approvals`, `say` and `input` in scope. */
  function start(body: string, input: unknown = null): ChildProcess {
    const code = `
      import { openApprovals } from ${JSON.stringify(moduleUrl)};
      const approvals = openApprovals({ dir: ${JSON.stringify(dir)} });
      const input = ${JSON.stringify(input)};
      const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
      ${body}`;
    const child = spawn(process.execPath, ['--conditions=@genie/source', '--input-type=module', '-e', code], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.add(child);
    return child;
  }

  async function said(child: ChildProcess): Promise<unknown> {
    let text = '';
    for await (const part of child.stdout ?? []) text += String(part);
    return JSON.parse(text || 'null');
  }

  it('a decision made in one process ends the wait in another', async () => {
    const approvals = openApprovals({ dir });
    const { id } = await approvals.request(sampleRequest());
    const waited = said(start('say((await approvals.wait(input)).status); await approvals.close();', id));
    const decide = 'say((await approvals.decide(input.id, input.decision)).status);';
    const decided = said(start(decide, { id, decision: deny }));
    expect(await Promise.all([decided, waited])).toEqual(['denied', 'denied']);
    expect((await approvals.get(id))?.decision?.verdict).toBe('deny');
  });

  it('of eight processes that use one row at the same moment exactly one wins', async () => {
    const approvals = openApprovals({ dir });
    const { id } = await approvals.request(sampleRequest());
    await approvals.decide(id, allowOnce);
    const body = `
      await approvals.get(input.id);
      process.stdout.write('ready\\n');
      await new Promise((resolve) => process.stdin.once('data', resolve));
      const wins = await approvals.consume(input.id, input.action);
      process.stdout.write(wins ? 'won\\n' : 'lost\\n');
      process.exit();`;
    const contenders = Array.from({ length: 8 }, () => start(body, { id, action: sampleAction() }));
    const outputs = contenders.map(() => '');
    contenders.forEach((child, index) => {
      child.stdout?.on('data', (part) => {
        outputs[index] += String(part);
      });
    });
    await expect.poll(() => outputs.filter((text) => text === 'ready\n').length, { timeout: 10_000 }).toBe(8);
    for (const child of contenders) child.stdin?.write('go\n');
    await Promise.all(contenders.map((child) => once(child, 'close')));
    expect(outputs.filter((text) => text.endsWith('won\n'))).toHaveLength(1);
    expect(outputs.filter((text) => text.endsWith('lost\n'))).toHaveLength(7);
    expect((await approvals.get(id))?.status).toBe('used');
  });

  it('kill -9 at any moment loses nothing that was reported and leaves rows that open', async () => {
    // Asks, decides and uses in a loop; says what is done after each call returned.
    const body = `
      for (let round = 0; ; round += 1) {
        const action = { ...input.action, payload: { round } };
        const { id } = await approvals.request({ action, title: 'round', runId: 'run_' + process.pid });
        say([id, 'pending']);
        await approvals.decide(id, { verdict: 'allow-always', by: 'user' }).catch((error) => {
          if (error.code !== 'GENIE_APPROVAL_DECIDED') throw error;
        });
        say([id, 'allowed']);
        if (!(await approvals.consume(id, action))) throw new Error('not consumed');
        say([id, 'used']);
      }`;
    for (let trial = 0; trial < 6; trial += 1) {
      const child = start(body, { action: sampleAction({ subject: `trial:${trial}` }) });
      let text = '';
      child.stdout?.on('data', (part) => {
        text += String(part);
        if (text.length > 200 + trial * 97) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const problems: string[] = [];
      const approvals = openApprovals({ dir, onWarning: (warning) => problems.push(warning.message) });
      const rows = new Map((await approvals.list()).map((row) => [row.id, row.status]));
      const order = ['pending', 'allowed', 'used'];
      const reported = text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as [string, string]);
      expect(reported.length).toBeGreaterThan(3);
      for (const [id, status] of reported) {
        expect(order.indexOf(rows.get(id) ?? 'lost')).toBeGreaterThanOrEqual(order.indexOf(status));
      }
      expect(problems).toEqual([]);
      // Every "always" that was decided has its grant, also the one that the kill cut off.
      const subjects = (await approvals.grants.list()).map((grant) => grant.subject);
      expect(subjects).toContain(`trial:${trial}`);
    }
  });

  it('killed between the two names of a request, it is found again', async () => {
    const child = start(
      `const { nodeFileSystem } = await import(${JSON.stringify(new URL('./atomic-file.ts', import.meta.url).href)});
       const link = async (from, to) => {
         await nodeFileSystem.link(from, to);
         if (to.includes('by-action')) process.kill(process.pid, 'SIGKILL');
       };
       const dying = openApprovals({ dir: ${JSON.stringify(dir)}, fileSystem: { ...nodeFileSystem, link } });
       await dying.request(input);`,
      sampleRequest(),
    );
    await once(child, 'close');
    const approvals = openApprovals({ dir });
    expect(await approvals.list()).toEqual([]);
    const asked = await approvals.request(sampleRequest());
    expect(asked.status).toBe('pending');
    const [shard] = await readdir(join(dir, 'by-action'));
    const names = await readdir(join(dir, 'by-action', shard ?? ''));
    expect(names).toHaveLength(1);
    const claimed = JSON.parse(await readFile(join(dir, 'by-action', shard ?? '', names[0] ?? ''), 'utf8')) as {
      id: string;
    };
    expect(claimed.id).toBe(asked.id);
  });
});
