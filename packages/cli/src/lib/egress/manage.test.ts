import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openApprovals } from '@genie/core';
import { homeFolders } from '@genie/core/home';
import { createEgress, openAudit } from '@genie/egress';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditFolder } from '../compose/open-egress.ts';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';

let cli: CliFixture;
let home: string;

beforeAll(async () => {
  cli = createCliFixture();
  home = cli.home('news', {});
  const server = createServer((_request, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const egress = createEgress({ allow: [`127.0.0.1:${port}`], audit: openAudit({ dir: auditFolder(home) }) });
  await (await egress.fetch(`http://127.0.0.1:${port}/page?token=secret`, {}, { runId: 'run_1', tool: 'web' })).text();
  await egress.fetch('https://evil.example.test/\u001b[31m').catch(() => undefined);
  await egress.close();
  server.closeAllConnections();
  server.close();
});

afterAll(() => cli.remove());

describe('genie egress log', () => {
  it('shows what left and what did not, without secrets and escape codes, and that the log is whole', async () => {
    const { code, stdout, stderr } = await cli.inProcess(['egress', 'log', 'news']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/allowed GET 127\.0\.0\.1:\d+\/page\?token=\*\*\* {2}127\.0\.0\.1:\d+ · by web · run_1/);
    expect(stdout).toMatch(/closed {2}127\.0\.0\.1:\d+ {2}200 · /);
    expect(stdout).toMatch(/blocked GET evil\.example\.test:443\S* {2}not-allowed/);
    expect(stdout).not.toContain('secret');
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toContain('3 entries, none changed, none missing');
  });

  it('filters by host, run and verdict', async () => {
    const events = async (...flags: string[]): Promise<unknown[]> => {
      const { stdout } = await cli.inProcess(['egress', 'log', 'news', '--json', ...flags]);
      return stdout.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as { event: string }).event));
    };
    expect(await events('--blocked')).toEqual(['blocked']);
    expect(await events('--run', 'run_1')).toEqual(['allowed', 'closed']);
    expect(await events('--host', 'evil.example.test')).toEqual(['blocked']);
    expect(await events('--since', '2100-01-01T00:00:00Z')).toEqual([]);
    expect(await events('--limit', '1')).toEqual(['blocked']);
    expect((await cli.inProcess(['egress', 'log', 'news', '--since', 'soon'])).code).toBe(2);
  });

  it('says when somebody wrote to it, and when nothing left', async () => {
    const { appendFileSync } = await import('node:fs');
    cli.home('silent', {});
    expect((await cli.inProcess(['egress', 'log', 'silent'])).stdout).toContain('Nothing asked to leave yet.');
    appendFileSync(`${auditFolder(home)}/egress-00000001.jsonl`, '{"format":1,"seq":4,"event":"closed","host":"x"}\n');
    const { code, stderr } = await cli.inProcess(['egress', 'log', 'news']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('The log was changed: entry after 3 was changed')]);
  });
});

describe('genie egress grants and revoke', () => {
  it('lists grants and takes them back, for other processes too', async () => {
    const approvals = openApprovals({ dir: homeFolders(home).approvals });
    const add = (subject: string, effect: 'allow' | 'deny') =>
      approvals.grants.add({ genieId: 'genie_news', kind: 'egress', subject, effect });
    const [one, two] = [
      await add('egress:a.test:443:read', 'allow'),
      await add('egress:b.test:443:write@run_1', 'deny'),
    ];
    const { stdout } = await cli.inProcess(['egress', 'grants', 'news']);
    expect(stdout).toMatch(new RegExp(`✓ a\\.test:443 read · until it is taken back · since .* · ${one.id}`));
    expect(stdout).toMatch(new RegExp(`✗ b\\.test:443 read and send · for run run_1 · since .* · ${two.id}`));
    expect((await cli.inProcess(['egress', 'revoke', 'news', one.id])).stdout).toContain(`a.test:443:read · ${one.id}`);
    expect(await approvals.grants.list()).toMatchObject([{ id: two.id }]);
    expect((await cli.inProcess(['egress', 'revoke', 'news', 'grant_none'])).stderr).toContain('no grant "grant_none"');
    expect((await cli.inProcess(['egress', 'revoke', 'news'])).code).toBe(2);
    expect((await cli.inProcess(['egress', 'revoke', 'news', '--all'])).code).toBe(0);
    expect((await cli.inProcess(['egress', 'grants', 'news'])).stdout).toContain('No grants');
    await approvals.close();
  });

  it('knows its words', async () => {
    const { code, stderr } = await cli.inProcess(['egress', 'grant', 'news']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean')]);
  });
});
