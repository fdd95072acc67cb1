import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture, type Started } from '../lib/testing/cli-fixture.ts';
import { type FeedServer, type NameServer, openFeedServer, openNameServer } from '../lib/testing/feed-server.ts';

let cli: CliFixture;
let server: FeedServer;
let names: NameServer;

beforeAll(async () => {
  cli = createCliFixture();
  server = await openFeedServer(['Parser released', 'Scanner released']);
  names = await openNameServer();
});
afterAll(async () => {
  await Promise.all([server.close(), names.close()]);
  cli.remove();
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what must not be there.
const escapeCode = /\u001b/;

/** A genie that reads a feed of this machine, allowed by its operator. */
function feedHome(name: string): void {
  cli.home(name, { sources: [{ kind: 'feed', location: server.url }], egress: { allow: [server.address] } });
}

/** A genie whose feed has a name that nobody allowed yet. */
function askingHome(name: string): string {
  const location = `http://news.example.test:${server.port}/feed.xml`;
  cli.home(name, {
    sources: [{ kind: 'feed', location }],
    egress: { allow: [], allowPrivate: [server.address], resolver: names.address },
  });
  return location;
}

async function startHeld(name: string): Promise<Started> {
  feedHome(name);
  server.hold(true);
  const started = cli.start(['run', name]);
  await started.printed('woken by hand');
  return started;
}

describe('genie run', { timeout: 60_000 }, () => {
  it('briefs with citations on stdout and shows the phases on stderr, without escape codes', async () => {
    const checkout = cli.checkout('repository', ['Add a parser', 'Fix the parser for empty input']);
    cli.home('git', {
      goal: 'Brief me on what changed and who should care',
      sources: [{ kind: 'git', location: checkout }],
    });
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
    feedHome('json');
    const { code, stdout, stderr } = await cli.inProcess(['run', 'json', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'run.started' });
    expect(lines.at(-1)).toMatchObject({ type: 'outcome', status: 'completed', briefing: { items: [{}, {}] } });
  });

  it('waits with exit code 3 for a host nobody allowed, sends nothing, and goes on after the decision', async () => {
    askingHome('ask');
    const before = server.requests();
    const waiting = await cli.genie(['run', 'ask']);
    expect(waiting.code).toBe(3);
    expect(waiting.stderr).toMatch(/genie approve ask[\s\S]*genie resume ask run_/);
    expect(server.requests()).toBe(before);

    const listed = await cli.inProcess(['approve', 'ask', '--json']);
    expect(listed.code).toBe(3);
    const { approvals } = JSON.parse(listed.stdout) as { approvals: { id: string; actionHash: string }[] };
    expect(approvals).toHaveLength(1);
    const shown = await cli.inProcess(['approve', 'ask', '--list']);
    const { id, actionHash } = approvals[0]!;
    for (const exact of [id, actionHash, '"method": "GET"', `egress:news.example.test:${server.port}:read`])
      expect(shown.stdout).toContain(exact);

    const resumed = await cli.genie(['approve', 'ask', id, '--allow-always', '--resume']);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain('Parser released');
    expect(server.requests()).toBeGreaterThan(before);
    expect(await cli.inProcess(['approve', 'ask', id, '--deny'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_APPROVAL_DECIDED'),
    });
    // The permission itself is no news.
    expect(await cli.inProcess(['run', 'ask', '--exit-code'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('nothing new'),
    });
  });

  it('goes on without the source when the answer is no', async () => {
    const location = askingHome('deny');
    expect(await cli.inProcess(['run', 'deny'])).toMatchObject({ code: 3 });
    const before = server.requests();
    const denied = await cli.inProcess(['approve', 'deny', '--deny', '--resume']);
    expect(denied.code).toBe(0);
    expect(denied.stdout).toMatch(/### Not reached[\s\S]*the user denied it/);
    expect(denied.stdout).toContain(location);
    expect(server.requests()).toBe(before);
  });

  it('is cancelled by Ctrl-C, says how to go on, and goes on from there', async () => {
    const started = await startHeld('slow');
    started.child.kill('SIGINT');
    const cancelled = await started.ended;
    expect(cancelled.code).toBe(130);
    const runId = /genie resume slow (run_\w+)/.exec(cancelled.stderr)?.[1];
    const listed = JSON.parse((await cli.inProcess(['show', 'slow', '--json'])).stdout) as { runs: unknown[] };
    expect(listed.runs).toMatchObject([{ runId, status: 'interrupted' }]);
    server.hold(false);
    const resumed = await cli.genie(['resume', 'slow', runId!]);
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining('Parser released') });
    expect(await cli.inProcess(['resume', 'slow'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no unfinished run'),
    });
  });

  it('survives kill -9: the run goes on in the next process', async () => {
    const started = await startHeld('killed');
    started.child.kill('SIGKILL');
    await started.ended;
    server.hold(false);
    expect(await cli.genie(['resume', 'killed'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Parser released'),
    });
  });

  it('refuses a home that another process runs, and names that process', async () => {
    const first = await startHeld('busy');
    const second = await cli.genie(['run', 'busy']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`in use by process ${first.child.pid}`);
    expect(second.stderr).toContain('GENIE_HOME_IN_USE');
    expect((await cli.inProcess(['delete', 'busy', '--yes'])).stderr).toContain('GENIE_HOME_IN_USE');
    expect((await cli.inProcess(['export', 'busy', '--to', 'busy-export'])).stderr).toContain('GENIE_HOME_IN_USE');
    expect((await cli.inProcess(['show', 'busy'])).stdout).toContain(`by process ${first.child.pid}`);
    server.hold(false);
    expect((await first.ended).code).toBe(0);
  });

  it.each([
    [['run', 'gti'], 1, 'Did you mean "git"?'],
    [['run'], 2, 'Name one'],
    [['run', '--home', '/does/not/exist'], 1, 'GENIE_HOME_MISSING'],
    [['resume', 'git', 'run_unknown'], 1, 'GENIE_RUN_UNKNOWN'],
    [['show', 'git', 'run_unknown'], 1, 'The last one is'],
  ] as const)('%j ends with %i and says what is wrong', async (args, code, words) => {
    const ended = await cli.inProcess(args);
    expect(ended.stderr).toContain(words);
    expect(ended.code).toBe(code);
  });
});
