import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readGenieFile } from '@genie/core/home';
import { type Adjustment, adjustmentAction, adjustmentId, describeAdjustment } from '@genie/metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openGenie } from '../../compose.ts';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';
import { type FeedServer, openFeedServer } from '../testing/feed-server.ts';
import { type HomeMetrics, openHomeMetrics } from './open-home-metrics.ts';

let cli: CliFixture;
let good: FeedServer;
let poor: Server;
let poorUrl: string;

beforeAll(async () => {
  cli = createCliFixture();
  good = await openFeedServer(['Release 1']);
  poor = createServer((_request, response) => void response.writeHead(500).end('out of order'));
  await new Promise<void>((done) => poor.listen(0, '127.0.0.1', done));
  poorUrl = `http://127.0.0.1:${(poor.address() as AddressInfo).port}/feed.xml`;
});
afterAll(async () => {
  poor.closeAllConnections();
  await Promise.all([good.close(), new Promise((done) => poor.close(done))]);
  cli.remove();
});

function home(name: string): string {
  return cli.home(name, {
    sources: [
      { kind: 'feed', location: good.url, title: 'Releases' },
      { kind: 'feed', location: poorUrl, title: 'Old mirror' },
    ],
    egress: { allow: [good.address, new URL(poorUrl).host] },
  });
}

async function wake(name: string, news: string) {
  good.setTitles([news]);
  const ended = await cli.inProcess(['run', name]);
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

interface JsonDashboard {
  readonly kpis: readonly { readonly kpiId: string; readonly value?: number; readonly status: string }[];
  readonly changes: readonly {
    readonly title: string;
    readonly state: string;
    readonly experimentId?: string;
    readonly effects: readonly { readonly kpiId: string; readonly before: number; readonly after: number }[];
  }[];
}

async function dashboard(name: string): Promise<JsonDashboard> {
  return JSON.parse((await cli.inProcess(['metrics', name, '--json'])).stdout) as JsonDashboard;
}

describe('a genie that improves itself', { timeout: 120_000 }, () => {
  it('shows KPIs with evidence, proposes to drop a poor source, tries it, adopts it, and shows the gain', async () => {
    const folder = home('news');
    await wake('news', 'Release 2');
    await wake('news', 'Release 3');
    const third = await wake('news', 'Release 4');

    // KPIs with evidence after three wakes.
    const { observations } = JSON.parse(
      (await cli.inProcess(['metrics', 'news', '--observations', 'sources-reached', '--json'])).stdout,
    ) as { observations: { value: number; grade: string; evidenceHash: string; runId: string }[] };
    expect(observations.map(({ value, grade }) => [value, grade])).toEqual(Array(3).fill([50, 'measured']));
    for (const { evidenceHash } of observations) expect(evidenceHash).toMatch(/^[0-9a-f]{64}$/);

    // The poor source is proposed for removal, by the run itself.
    expect(third.stderr).toContain(`? Remove source ${poorUrl}`);
    const approvalId = /genie experiment news (apr_\w+)/.exec(third.stderr)?.[1] ?? '';
    expect(readGenieFile(folder).sources).toHaveLength(2);

    // Tried in an experiment, in processes of their own; the home is only read.
    const before = readFileSync(join(folder, 'genie.json'), 'utf8');
    const tried = await cli.genie(['experiment', 'news', approvalId]);
    expect(tried.code, tried.stderr).toBe(0);
    expect(tried.stdout).toMatch(/Sources reached +50 % +100 % +better/);
    expect(tried.stdout).toContain('Recommendation: adopt');
    // Without the change everything is as recorded: 2 model answers and 2 tool results a run. With it the prompt is another one.
    expect(tried.stdout).toContain('3 runs replayed on both: 15 calls answered from the recording, 6 live');
    expect(readFileSync(join(folder, 'genie.json'), 'utf8')).toBe(before);

    // Adopted after approval, hot: the next run uses it.
    expect(await cli.inProcess(['approve', 'news', approvalId, '--allow-once'])).toMatchObject({ code: 0 });
    const fourth = await wake('news', 'Release 5');
    expect(fourth.stderr).toContain(`Adopted after an experiment: Remove source ${poorUrl}`);
    expect(readGenieFile(folder).sources?.map(({ location }) => location)).toEqual([good.url]);
    expect(fourth.stdout).not.toContain('Not reached');
    await wake('news', 'Release 6');

    // The improvement is visible: in the terminal, as JSON, and in the report.
    const { kpis, changes } = await dashboard('news');
    expect(kpis.find(({ kpiId }) => kpiId === 'sources-reached')).toMatchObject({ status: 'warning' });
    expect(changes).toMatchObject([
      { title: `Remove source ${poorUrl}`, state: 'adopted', experimentId: expect.any(String) },
    ]);
    expect(changes[0]?.effects.find(({ kpiId }) => kpiId === 'sources-reached')).toMatchObject({
      before: 50,
      after: 100,
    });
    const shown = await cli.inProcess(['metrics', 'changes', 'news']);
    expect(shown.stdout).toMatch(/Sources reached +50 → 100 %, better/);
    const { stdout: file } = await cli.inProcess(['metrics', 'report', 'news']);
    const html = readFileSync(file.trim(), 'utf8');
    expect(html).toContain('50 → 100 % (median of 3 and 2 runs), better');
    expect(html).toContain('tried in an experiment first');
    expect(html).toContain('<strong>adopt</strong>: Sources reached gets better');
    expect((await cli.inProcess(['experiment', 'news', '--list'])).stdout).toMatch(/adopted +Remove source/);
  });

  it('takes a change back when a KPI gets worse, and tells the user', async () => {
    const second = await openFeedServer(['Other 1']);
    const sources = [good, second].map(({ url }) => ({ kind: 'feed' as const, location: url }));
    const folder = cli.home('guarded', { sources, egress: { allow: [good.address, second.address] } });
    const turn = async (index: number) => {
      second.setTitles([`Other news of day ${index}`]);
      return wake('guarded', `Release of day ${index}`);
    };
    const open = await openHomeMetrics(folder, { environment: {} });
    try {
      await open.metrics.define([
        {
          id: 'items',
          name: 'Items',
          unit: 'items',
          direction: 'up',
          target: 2,
          probe: { kind: 'run-field', field: 'items' },
        },
      ]);
      for (const index of [1, 2, 3]) await turn(index);
      await allow(open, { type: 'sources', remove: [second.url] });
      const fourth = await turn(4);
      expect(fourth.stderr).toContain(`Adopted: Remove source ${second.url}`);
      await turn(5);
      const sixth = await turn(6);
      expect(sixth.stderr).toMatch(
        /Undone: Remove source \S+: Items got worse: median 1 items in 3 runs since, 2 items before/,
      );
      expect(readGenieFile(folder).sources).toEqual(sources);
      expect((await turn(7)).stdout).toContain('Other news of day 7');
    } finally {
      await open.close();
      await second.close();
    }
  });

  it('refuses settings it could not be opened with, once, and goes on', async () => {
    const folder = home('refuses');
    const open = await openHomeMetrics(folder, { environment: {} });
    const before = readFileSync(join(folder, 'genie.json'), 'utf8');
    try {
      await allow(open, { type: 'schedule', cron: '99 99 * * *' });
      await allow(open, { type: 'model', role: 'planning', modelId: 'nobody/knows-it' });
      const first = await wake('refuses', 'Release 1');
      expect(first.stderr).toMatch(
        /Not adopted: Wake at "99 99 \* \* \*": The genie could not be opened with these settings/,
      );
      expect(first.stderr).toContain('Not adopted: Use nobody/knows-it for planning');
      expect((await wake('refuses', 'Release 2')).stderr).not.toContain('Not adopted');
      expect(readFileSync(join(folder, 'genie.json'), 'utf8')).toBe(before);
    } finally {
      await open.close();
    }
  });

  it('uses what another process decided from the next run on, without a restart', async () => {
    const folder = home('lives');
    good.setTitles(['Release 1']);
    await using living = await openGenie({ home: folder, environment: {} });
    const other = await openHomeMetrics(folder, { environment: {} });
    try {
      expect((await living.genie.run().outcome).text).toContain(poorUrl);
      const adjustment: Adjustment = { type: 'sources', remove: [poorUrl] };
      const approvalId = await ask(other, adjustment);
      // It hears of the question with the next review or start; here by asking it to look.
      await living.review.prepare();
      await other.approvals.decide(approvalId, { verdict: 'allow-once', by: 'somebody else' });
      await expect.poll(() => living.file.sources?.length, { timeout: 10_000 }).toBe(1);
      good.setTitles(['Release 2']);
      const outcome = await living.genie.run().outcome;
      expect(outcome.text).toContain('Release 2');
      expect(outcome.text).not.toContain(poorUrl);
      expect(await living.review.report()).toMatchObject({ adopted: [{ title: `Remove source ${poorUrl}` }] });
    } finally {
      await other.close();
    }
  });

  it('uses what another process takes back, and leaves what cannot be read alone', async () => {
    const folder = home('undone');
    good.setTitles(['Release 1']);
    const other = await openHomeMetrics(folder, { environment: {} });
    await allow(other, { type: 'sources', remove: [poorUrl] });
    const warnings: string[] = [];
    await using living = await openGenie({
      home: folder,
      environment: {},
      onWarning: ({ code }) => void warnings.push(code),
    });
    try {
      expect(living.file.sources).toHaveLength(1);
      const [change] = await other.metrics.changes.list();
      const undone = await cli.inProcess(['metrics', 'undo', change?.id ?? '', 'undone']);
      expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining(`Undone: Remove source ${poorUrl}`) });
      await expect.poll(() => living.file.sources?.length, { timeout: 10_000 }).toBe(2);
      expect((await living.genie.run().outcome).text).toContain(poorUrl);
      const text = readFileSync(join(folder, 'genie.json'), 'utf8');
      writeFileSync(join(folder, 'genie.json'), text.slice(0, 20));
      await expect.poll(() => warnings, { timeout: 10_000 }).toContain('GENIE_HOME_FILE');
      expect(living.file.sources).toHaveLength(2);
      writeFileSync(join(folder, 'genie.json'), text);
    } finally {
      await other.close();
    }
  });

  it('applies prompt fragments, search terms and tool rules to the next run', async () => {
    const folder = home('rules');
    const open = await openHomeMetrics(folder, { environment: {} });
    await allow(open, { type: 'prompt-fragment', name: 'tone', text: 'Write for engineers.' });
    await allow(open, { type: 'search-terms', add: ['parsers'] });
    await allow(open, { type: 'tool-policy', tool: 'read_feed', policy: 'deny' });
    await open.close();
    await using living = await openGenie({ home: folder, environment: {} });
    expect(living.settings).toMatchObject({
      promptFragments: { tone: 'Write for engineers.' },
      searchTerms: ['parsers'],
      toolPolicy: { read_feed: 'deny' },
    });
    const outcome = await living.genie.run().outcome;
    const prompts = JSON.stringify(await living.genie.journal.read(outcome.runId));
    expect(prompts).not.toContain('"tool":"read_feed"');
  });
});

describe('genie feedback', { timeout: 60_000 }, () => {
  it('ranks the next briefing, visibly', async () => {
    const second = await openFeedServer(['Other 1']);
    cli.home('ranked', {
      sources: [
        { kind: 'feed', location: good.url, title: 'Releases' },
        { kind: 'feed', location: second.url, title: 'Gossip' },
      ],
      egress: { allow: [good.address, second.address] },
    });
    try {
      second.setTitles(['Gossip about day 1']);
      await wake('ranked', 'Release of day 1');
      const listed = await cli.inProcess(['feedback', 'ranked']);
      const number = /^ +(\d+) {2}Gossip/m.exec(listed.stdout)?.[1] ?? '';
      const liked = number === '1' ? '2' : '1';
      expect(await cli.inProcess(['feedback', 'ranked', number, '--irrelevant'])).toMatchObject({ code: 0 });
      expect(await cli.inProcess(['feedback', 'ranked', liked, '--up'])).toMatchObject({ code: 0 });
      second.setTitles(['Gossip about day 2']);
      const next = await wake('ranked', 'Release of day 2');
      const lines = next.stdout.split('\n').filter((line) => line.includes('day 2'));
      expect(lines[0]).toMatch(/Release of day 2.*\(your feedback: from .*1 liked, 0 not\)/);
      expect(lines[1]).toMatch(/Gossip about day 2.*\(your feedback: from .*0 liked, 1 not\)/);
      const again = JSON.parse((await cli.inProcess(['feedback', 'ranked', '--json'])).stdout);
      expect(again.items[0].text).toContain('Release of day 2');
      expect(again.preferences.sources).toHaveLength(2);
      expect((await cli.inProcess(['memory', 'ranked', 'search', 'irrelevant'])).stdout).toContain('irrelevant');
    } finally {
      await second.close();
    }
  });

  it.each([
    [['feedback', 'ranked', '99', '--up'], 2, 'use a number from 1 to'],
    [['feedback', 'ranked', '--irrelevant'], 2, 'is about one item'],
    [['feedback', 'ranked', '--stars', '6'], 1, 'GENIE_FEEDBACK_INVALID'],
    [['feedback', 'ranked', '--up', '--down'], 2, 'one judgement at a time'],
    [['experiment', 'ranked'], 2, 'Nothing is proposed'],
    [['experiment', 'ranked', 'apr_none'], 2, 'no open proposal'],
    [['experiment', 'ranked', '--change', '{"type":"sources"'], 2, 'is no JSON'],
    [['experiment', 'ranked', '--change', '{"type":"magic"}'], 1, 'GENIE_ADJUSTMENT_INVALID'],
    [['experiment', 'ranked', '--roll-back', 'experiment_none'], 1, 'GENIE_EXPERIMENT_UNKNOWN'],
    [['metrics', 'undo', 'change_none', 'ranked'], 1, 'GENIE_CHANGE_UNKNOWN'],
    [['metrics', 'undo'], 2, 'needs the change'],
  ] as const)('%j ends with %i and says what is wrong', async (args, code, words) => {
    const ended = await cli.inProcess(args);
    expect(ended.stderr).toContain(words);
    expect(ended.code).toBe(code);
  });

  it('is not in the way of a genie that is called like an action', async () => {
    cli.home('changes', { sources: [] });
    expect((await cli.inProcess(['metrics', 'changes'])).stdout).toContain('KPIs of the last 30 days');
    expect((await cli.inProcess(['metrics', 'changes', 'changes'])).stdout).toContain('Nothing was changed yet.');
  });

  it('counts for a run that was deleted', async () => {
    const ended = await cli.inProcess(['feedback', 'ranked', '--stars', '2', '--run', 'run_gone']);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('it counts all the same') });
  });
});

async function ask(open: HomeMetrics, adjustment: Adjustment): Promise<string> {
  const action = adjustmentAction({ id: adjustmentId(adjustment), adjustment }, open.file.id);
  return (await open.approvals.request({ action, title: describeAdjustment(adjustment) })).id;
}

async function allow(open: HomeMetrics, adjustment: Adjustment): Promise<void> {
  await open.approvals.decide(await ask(open, adjustment), { verdict: 'allow-once', by: 'user' });
}
