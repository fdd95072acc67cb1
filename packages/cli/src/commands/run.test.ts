import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture, type FeedServer, openFeedServer } from '../lib/testing/cli-fixture.ts';

let cli: CliFixture;
let server: FeedServer;

beforeAll(async () => {
  cli = createCliFixture();
  server = await openFeedServer(['Parser released', 'Scanner released']);
});
afterAll(async () => {
  await server.close();
  cli.remove();
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what must not be there.
const escapeCode = /\u001b/;
const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('genie run', () => {
  it('briefs with citations on stdout and shows the phases on stderr, without escape codes', async () => {
    const checkout = cli.checkout('repository', ['Add a parser', 'Fix the parser for empty input']);
    await cli.genie([
      'new',
      'git',
      '--goal',
      'Brief me on what changed and who should care',
      '--source',
      checkout,
      '--yes',
    ]);
    const { code, stdout, stderr } = await cli.genie(['run', 'git']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^## /);
    expect(stdout).toContain('Fix the parser for empty input');
    expect(stdout).toMatch(/\(\[[^\]]+\]\([^)]+\), \d{4}-\d{2}-\d{2}\)/);
    for (const phase of ['wake', 'remember', 'plan', 'execute', 'measure', 'memorize', 'report', 'sleep'])
      expect(stderr).toContain(`● ${phase}`);
    expect(stdout + stderr).not.toMatch(escapeCode);

    const again = await cli.genie(['run', 'git', '--exit-code']);
    expect(again).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('Nothing to do: nothing new in 1 source. 0 model calls'),
    });

    cli.commit(checkout, 'Document the parser');
    const third = await cli.genie(['run', 'git']);
    expect(third.stdout).toContain('Document the parser');
    expect(third.stdout).not.toContain('Fix the parser');
  });

  it('prints JSON lines with --json, the outcome last', async () => {
    await cli.genie(['new', 'json', '--goal', 'Watch this feed', '--source', server.url, '--yes']);
    const { code, stdout, stderr } = await cli.genie(['run', 'json', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = jsonLines(stdout);
    expect(lines[0]).toMatchObject({ type: 'run.started' });
    expect(lines.at(-1)).toMatchObject({
      type: 'outcome',
      status: 'completed',
      briefing: { items: expect.any(Array) },
    });
  });

  it('waits with exit code 3 for a host nobody allowed, sends nothing, and goes on after the decision', async () => {
    await cli.genie([
      'new',
      'ask',
      '--goal',
      'Watch this feed',
      '--source',
      server.url,
      '--refuse',
      'domains',
      '--yes',
    ]);
    const before = server.requests();
    const waiting = await cli.genie(['run', 'ask']);
    expect(waiting.code).toBe(3);
    expect(waiting.stderr).toMatch(/genie approve ask[\s\S]*genie resume ask run_/);
    expect(server.requests()).toBe(before);

    const listed = await cli.genie(['approve', 'ask', '--json']);
    expect(listed.code).toBe(3);
    const { approvals } = JSON.parse(listed.stdout) as { approvals: { id: string; actionHash: string }[] };
    expect(approvals).toHaveLength(1);
    const shown = await cli.genie(['approve', 'ask', '--list']);
    for (const exact of [
      approvals[0]!.actionHash,
      server.address.split(':')[1]!,
      '"method": "GET"',
      'egress:127.0.0.1',
    ])
      expect(shown.stdout).toContain(exact);

    const resumed = await cli.genie(['approve', 'ask', approvals[0]!.id, '--allow-always', '--resume']);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain('Parser released');
    expect(server.requests()).toBeGreaterThan(before);

    const quiet = await cli.genie(['run', 'ask', '--exit-code']);
    expect(quiet).toMatchObject({ code: 4, stderr: expect.stringContaining('nothing new') });
  });

  it('goes on without the source when the answer is no', async () => {
    await cli.genie([
      'new',
      'deny',
      '--goal',
      'Watch this feed',
      '--source',
      server.url,
      '--refuse',
      'domains',
      '--yes',
    ]);
    await cli.genie(['run', 'deny']);
    const before = server.requests();
    const denied = await cli.genie(['approve', 'deny', '--deny', '--resume']);
    expect(denied.code).toBe(0);
    expect(denied.stdout).toMatch(/not reached|No source was reached/i);
    expect(server.requests()).toBe(before);
  });

  it('is cancelled by Ctrl-C, says how to go on, and goes on from there', async () => {
    await cli.genie(['new', 'slow', '--goal', 'Watch this feed', '--source', server.url, '--yes']);
    server.hold(true);
    const started = cli.start(['run', 'slow']);
    await started.printed('woken by hand');
    started.child.kill('SIGINT');
    const cancelled = await started.ended;
    expect(cancelled.code).toBe(130);
    const runId = /genie resume slow (run_\w+)/.exec(cancelled.stderr)?.[1];
    expect(runId).toBeDefined();
    const listed = JSON.parse((await cli.genie(['show', 'slow', '--json'])).stdout) as { runs: { status: string }[] };
    expect(listed.runs).toMatchObject([{ runId, status: 'interrupted' }]);
    server.hold(false);
    const resumed = await cli.genie(['resume', 'slow', runId!]);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain('Parser released');
    expect(await cli.genie(['resume', 'slow'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no unfinished run'),
    });
  });

  it('ends at once by kill -9, and the run goes on in the next process', async () => {
    await cli.genie(['new', 'killed', '--goal', 'Watch this feed', '--source', server.url, '--yes']);
    server.hold(true);
    const started = cli.start(['run', 'killed']);
    await started.printed('woken by hand');
    started.child.kill('SIGKILL');
    await started.ended;
    server.hold(false);
    const resumed = await cli.genie(['resume', 'killed']);
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining('Parser released') });
  });

  it('refuses a home that another process runs, and names that process', async () => {
    await cli.genie(['new', 'busy', '--goal', 'Watch this feed', '--source', server.url, '--yes']);
    server.hold(true);
    const first = cli.start(['run', 'busy']);
    await first.printed('woken by hand');
    const second = await cli.genie(['run', 'busy']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`in use by process ${first.child.pid}`);
    expect(second.stderr).toContain('GENIE_HOME_IN_USE');
    expect((await cli.genie(['delete', 'busy', '--yes'])).stderr).toContain('GENIE_HOME_IN_USE');
    expect((await cli.genie(['show', 'busy'])).stdout).toContain(`by process ${first.child.pid}`);
    server.hold(false);
    expect((await first.ended).code).toBe(0);
  });

  it('names what is wrong with a home', async () => {
    expect(await cli.genie(['run', 'gti'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean "git"?'),
    });
    expect(await cli.genie(['run'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Name one') });
    const nowhere = join(cli.folder, 'nowhere');
    expect(await cli.genie(['run', '--home', nowhere])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_HOME_MISSING'),
    });
    rmSync(nowhere, { recursive: true, force: true });
  });
});
