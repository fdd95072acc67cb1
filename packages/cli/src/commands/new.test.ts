import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../lib/testing/cli-fixture.ts';

let cli: CliFixture;
let checkout: string;

beforeAll(() => {
  cli = createCliFixture();
  checkout = cli.checkout('project', ['Add a parser', 'Fix the parser for empty input']);
});
afterAll(() => cli.remove());

const readHome = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(cli.homes, name, 'genie.json'), 'utf8'));

describe('genie new', { timeout: 60_000 }, () => {
  it('proposes every part with the arithmetic of its cost, and accepts all of it with --yes', async () => {
    const { code, stdout, stderr } = await cli.genie([
      'new',
      'plan',
      '--goal',
      'Brief me on what changed',
      '--source',
      checkout,
      '--yes',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const part of ['container', 'schedule', 'models', 'tools', 'domains', 'KPIs', 'cost'])
      expect(stdout).toContain(`\n  ${part}`);
    expect(stdout).toMatch(/\d+ × \$0\/1M = \$0/);
    expect(readHome('plan')).toMatchObject({
      goal: 'Brief me on what changed',
      sources: [{ kind: 'git', location: checkout }],
      models: { planning: 'offline', execution: 'offline' },
      schedule: { cron: expect.any(String), timezone: 'UTC' },
      tools: ['git_log'],
      container: { memoryMb: expect.any(Number) },
    });
  });

  it('takes the schedule of the flags, and refuses the parts that are named', async () => {
    const sources = ['--source', 'https://example.com/feed.xml', '--source', checkout];
    const schedule = ['--cron', '15 6 * * 1', '--timezone', 'Europe/Berlin'];
    const limits = ['--allow', 'api.example.com', '--budget-usd', '0.5', '--price', '3/15'];
    const { code, stdout } = await cli.inProcess([
      'new',
      'flags',
      '--goal',
      'Brief me',
      ...sources,
      ...schedule,
      ...limits,
      '--refuse',
      'domains',
      '--yes',
      '--json',
    ]);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as { proposal: { cost: { usdPerMonth: number; wakesPerMonth: number } } };
    expect(answer).toMatchObject({
      name: 'flags',
      refused: ['domains'],
      pending: [],
      proposal: { schedule: { cron: '15 6 * * 1', timezone: 'Europe/Berlin' }, domains: ['example.com'] },
    });
    expect(answer.proposal.cost.wakesPerMonth).toBeLessThan(6);
    expect(answer.proposal.cost.usdPerMonth).toBeGreaterThan(0);
    expect(readHome('flags')).toMatchObject({
      schedule: { cron: '15 6 * * 1', timezone: 'Europe/Berlin' },
      egress: { allow: ['api.example.com'] },
      budget: { usd: 0.5 },
      sources: [{ kind: 'feed' }, { kind: 'git' }],
    });
  });

  it('leaves the parts to be approved when nobody can be asked, and says how', async () => {
    const made = await cli.inProcess(['new', 'later', '--goal', 'Brief me', '--source', checkout]);
    expect(made).toMatchObject({ code: 3, stdout: expect.stringContaining('genie approve later') });
    expect(readHome('later').schedule).toBeUndefined();
    expect(await cli.inProcess(['approve', 'later', '--all', '--allow-once'])).toMatchObject({ code: 0 });
    expect(readHome('later')).toMatchObject({ schedule: { timezone: 'UTC' }, models: { planning: 'offline' } });
  });

  it.each([
    [['new', '--source', '.'], 2, 'There is no goal'],
    [['new', 'bad', '--goal', 'x', '--source', '/does/not/exist'], 2, '/does/not/exist does not exist'],
    [['new', 'bad', '--goal', 'x', '--cron', '99 7 * * *'], 1, 'cron "99 7 * * *" cannot be read'],
    [['new', 'bad', '--goal', 'x', '--timezone', 'Mars/Base'], 1, 'timezone "Mars/Base" is no IANA time zone'],
    [['new', 'bad', '--goal', 'x', '--budget-usd', '-1'], 2, '--budget-usd is -1'],
    [['new', 'bad', '--goal', 'x', '--price', '3'], 2, '--price is "3"'],
    [['new', 'bad', '--goal', 'x', '--model', 'nonsense', '--yes'], 1, 'Model "nonsense" is not known'],
    [['new', '../bad', '--goal', 'x'], 2, '--name is "../bad"'],
    [['new', 'bad', '--goal', 'x', '--refuse', 'domain'], 2, 'Did you mean "domains"?'],
    [['new', 'bad', '--goal', 'x', '--allow', '*', '--yes'], 1, 'Everything cannot be allowed'],
  ] as const)('%j ends with %i, names the value and leaves nothing behind', async (args, code, words) => {
    const ended = await cli.inProcess(args);
    expect(ended.stderr).toContain(words);
    expect(ended.code).toBe(code);
    expect(existsSync(join(cli.homes, 'bad'))).toBe(false);
  });

  it('refuses two names for one genie', async () => {
    const { code, stderr } = await cli.genie([
      'new',
      '--goal',
      'Count the notes',
      '--name',
      'one',
      '--home',
      join(cli.homes, 'two'),
      '--yes',
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('names the genie "two", --name says "one"');
    expect(existsSync(join(cli.homes, 'two'))).toBe(false);
  });

  it('does not overwrite a genie', async () => {
    cli.home('taken', { goal: 'x' });
    const again = await cli.inProcess(['new', 'taken', '--goal', 'y', '--source', checkout, '--yes']);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('GENIE_CLI_EXISTS') });
    expect(readHome('taken').goal).toBe('x');
  });
});
