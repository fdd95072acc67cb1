import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogue } from '../lib/cli/catalogue.ts';
import { type CliFixture, createCliFixture } from '../lib/testing/cli-fixture.ts';

let cli: CliFixture;
let notes: string;

beforeAll(async () => {
  cli = createCliFixture();
  notes = join(cli.folder, 'notes');
  mkdirSync(notes);
  writeFileSync(join(notes, 'parser.md'), '# Parser\n\nThe parser reads empty input since Tuesday.\n');
  cli.home('notes', {
    goal: 'Brief me on these notes',
    sources: [{ kind: 'folder', location: notes }],
    schedule: { cron: '0 7 * * *', timezone: 'Europe/Berlin' },
  });
  const { code, stderr } = await cli.genie(['run', 'notes']);
  if (code !== 0) throw new Error(stderr);
}, 60_000);
afterAll(() => cli.remove());

const json = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await cli.genie([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
};

describe('genie', { timeout: 60_000 }, () => {
  it.each(Object.keys(catalogue))('%s has help with usage and examples', async (name) => {
    const { code, stdout } = await cli.inProcess([name, '--help']);
    expect(code).toBe(0);
    for (const part of ['Usage', 'Examples', '--json', `genie ${name}`]) expect(stdout).toContain(part);
    expect(JSON.parse((await cli.inProcess([name, '--help', '--json'])).stdout)).toMatchObject({
      name,
      flags: { json: {} },
    });
  });

  it('prints every command, in a process of its own', async () => {
    const { code, stdout } = await cli.genie(['help']);
    expect(code).toBe(0);
    for (const name of Object.keys(catalogue)) expect(stdout).toContain(`\n  ${name} `);
    expect(await cli.genie([])).toMatchObject({ code: 2 });
  });

  it.each([
    [['rnu'], 'Did you mean "run"?'],
    [['run', '--modle', 'offline'], 'Did you mean "--model"?'],
    [['run', '--model'], '--model needs a value'],
    [['run', '--model', 'a', '--model', 'b'], '--model is given twice'],
    [['run', '--force=yes'], '--force takes no value'],
    [['metrics', '--days', 'ten'], '--days is "ten": use a number'],
    [['list', 'extra'], 'does not take "extra"'],
    [['--home', '.'], 'needs a command first'],
    [['help', 'rnu'], 'Did you mean "run"?'],
    [['memory', 'notes', 'serach', 'x'], 'Did you mean "search"?'],
    [['completion', 'bsah'], 'Did you mean "bash"?'],
    [['approve', 'notes', '--deny', '--allow-once'], 'contradict'],
    [['approve', 'notes', 'apr_unknown', '--deny'], 'There is no approval "apr_unknown"'],
    [['delete'], 'needs a name'],
    [['egress', '--allow-port', '99999'], '"99999" is no port'],
  ] as const)('%j is wrong usage: exit code 2', async (args, words) => {
    const ended = await cli.inProcess(args);
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
    const document = JSON.parse((await cli.inProcess([...args, '--json'])).stdout) as unknown;
    expect(document).toMatchObject({ error: { code: 'GENIE_CLI_USAGE' } });
  });

  it('shows stack traces only with --debug', async () => {
    expect((await cli.inProcess(['show', 'nobody'])).stderr).not.toContain('    at ');
    expect((await cli.inProcess(['show', 'nobody', '--debug'])).stderr).toContain('    at ');
  });
});

describe('commands that look at a home', { timeout: 60_000 }, () => {
  it('list: each genie with its last run and its next wake', async () => {
    expect(await json('list')).toMatchObject({
      genies: [{ name: 'notes', status: 'asleep', lastRun: { status: 'completed' }, nextWake: expect.any(Number) }],
    });
    expect((await cli.inProcess(['list'])).stdout).toMatch(/notes\s+asleep\s+completed/);
    expect((await cli.inProcess(['list', '--names'])).stdout).toBe('notes\n');
  });

  it('list: a home that cannot be read does not hide the others', async () => {
    const home = cli.home('torn', {});
    writeFileSync(join(home, 'genie.json'), '{"format":1,"id":"x"');
    const answer = (await json('list')) as { genies: { name: string; error?: { code: string } }[] };
    expect(answer.genies).toMatchObject([
      { name: 'notes' },
      { name: 'torn', status: 'unreadable', error: { code: 'GENIE_HOME_FILE' } },
    ]);
    writeFileSync(join(home, 'genie.json'), '{"format":2}');
    expect(await cli.inProcess(['show', 'torn'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_HOME_VERSION'),
    });
    expect(await cli.inProcess(['delete', 'torn', '--yes'])).toMatchObject({ code: 0 });
  });

  it('show: a genie, a run with its records, and the briefing', async () => {
    const shown = (await json('show')) as { runs: { runId: string }[] };
    expect(shown).toMatchObject({
      name: 'notes',
      file: { goal: 'Brief me on these notes' },
      runs: [{ status: 'completed' }],
    });
    const run = await cli.inProcess(['show', 'last']);
    for (const part of [shown.runs[0]!.runId, 'Measured', 'Records', 'calls read_folder', 'closed    completed'])
      expect(run.stdout).toContain(part);
    expect(await json('show', 'notes', 'last')).toMatchObject({
      records: expect.arrayContaining([expect.objectContaining({ kind: 'answer' })]),
    });
  });

  it('memory: counts, finds, lists and shows', async () => {
    expect(await json('memory')).toMatchObject({ byTier: { associative: 1, episodic: 1 } });
    const found = (await json('memory', 'search', 'empty', 'input')) as { items: { id: string; text: string }[] };
    expect(found.items[0]?.text).toContain('arser');
    expect(await json('memory', 'show', found.items[0]!.id)).toMatchObject({
      id: found.items[0]!.id,
      text: found.items[0]!.text,
    });
    expect((await json('memory', 'list', 'associative')) as { records: unknown[] }).toMatchObject({
      records: [{ tier: 'associative' }],
    });
    expect(await cli.inProcess(['memory', 'show', 'nothing'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_MEMORY_UNKNOWN'),
    });
  });

  it('metrics: KPIs as measured, and what they were measured from', async () => {
    const dashboard = (await json('metrics')) as { kpis: { kpiId: string }[] };
    expect(dashboard).toMatchObject({
      outcomes: { achieved: 1 },
      kpis: expect.arrayContaining([expect.objectContaining({ kpiId: 'items-cited', status: 'met' })]),
    });
    expect((await cli.inProcess(['metrics', '--observations', 'items-cited'])).stdout).toContain('measured');
    expect(await cli.inProcess(['metrics', '--observations', 'items-ctied'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean "items-cited"?'),
    });
  });

  it('events: what happened, filtered, and what happens while it follows', async () => {
    const past = await cli.inProcess(['events', '--json', '--type', 'tool.']);
    expect(
      past.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type),
    ).toEqual(['tool.called', 'tool.completed']);
    const following = cli.start(['events', '--follow', '--last', '1']);
    await following.printed('run.ended');
    appendFileSync(
      join(cli.homes, 'notes', 'events.jsonl'),
      '{"type":"schedule.fired","at":1,"source":"test","dueAt":1,"lateMs":0}\nnot json\n{"type":"half',
    );
    await following.printed('schedule.fired');
    following.child.kill('SIGINT');
    expect((await following.ended).code).toBe(0);
  });

  it('doctor: says what works, and fails for a home that does not', async () => {
    const { checks } = (await json('doctor')) as { checks: { name: string; status: string; detail: string }[] };
    for (const name of ['node', 'homes', 'disk', 'clock', 'git', 'sandbox', 'egress', 'model', 'notes'])
      expect(checks.map((check) => check.name)).toContain(name);
    expect(checks.find(({ detail }) => detail.startsWith('offline'))?.detail).toContain('usable');
    const home = cli.home('broken', {});
    writeFileSync(join(home, 'genie.json'), 'not json');
    expect(await cli.inProcess(['doctor', 'broken'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('GENIE_HOME_FILE'),
    });
    await cli.inProcess(['delete', 'broken', '--yes']);
  });

  it('chat: answers once, from arguments or from stdin', async () => {
    const answered = await cli.genie(['chat', 'notes', 'What is it about empty input?']);
    expect(answered).toMatchObject({ code: 0, stdout: expect.stringContaining('parser') });
    const piped = await cli.inProcess(['chat', 'notes', '--json'], { input: 'What is it about empty input?\n' });
    expect(JSON.parse(piped.stdout.trim().split('\n').at(-1)!)).toMatchObject({ type: 'outcome', status: 'completed' });
    expect(await cli.inProcess(['chat', 'notes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no message'),
    });
  });
});

describe('export and delete', { timeout: 60_000 }, () => {
  it('exports a home whose checksums tell every change, and that works after it is copied back', async () => {
    const target = join(cli.folder, 'export');
    expect(await json('export', 'notes', '--to', target)).toMatchObject({ files: expect.any(Number), target });
    expect(await cli.inProcess(['export', '--check', target])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('is whole'),
    });
    expect(await cli.inProcess(['list', '--home', join(target, 'home')])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('completed'),
    });
    writeFileSync(join(target, 'home', 'genie.json'), '{}');
    writeFileSync(join(target, 'home', 'more.txt'), '');
    const checked = await cli.inProcess(['export', '--check', target]);
    expect(checked).toMatchObject({ code: 1, stdout: expect.stringContaining('genie.json was changed') });
    expect(checked.stdout).toContain('more.txt is not in the manifest');
    expect(await cli.inProcess(['export', 'notes', '--to', target])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_EXPORT_EXISTS'),
    });
  });

  it('writes a tar that tar reads', async () => {
    const target = join(cli.folder, 'export.tar');
    expect(await cli.inProcess(['export', 'notes', '--to', target, '--tar'])).toMatchObject({ code: 0 });
    mkdirSync(join(cli.folder, 'unpacked'));
    execFileSync('tar', ['-xf', target, '-C', join(cli.folder, 'unpacked')]);
    expect(await cli.inProcess(['export', '--check', join(cli.folder, 'unpacked', 'notes')])).toMatchObject({
      code: 0,
    });
  });

  it('exports no secret of the environment, and leaves nothing behind when it refuses', async () => {
    writeFileSync(join(cli.homes, 'notes', 'workspace', 'leak.txt'), `${'x'.repeat(70_000)}sk-very-secret-value`);
    const refused = await cli.inProcess(['export', 'notes', '--to', 'leaky'], {
      environment: { SOME_API_KEY: 'sk-very-secret-value' },
    });
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/leak\.txt holds the value of SOME_API_KEY.*GENIE_EXPORT_SECRET/),
    });
    expect(readdirSync(cli.folder).filter((name) => name.startsWith('leaky'))).toEqual([]);
  });

  it('deletes only what is meant, and keeps an export when asked', async () => {
    const home = cli.home('gone', {});
    expect(await cli.inProcess(['delete', 'gone'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    });
    expect(existsSync(home)).toBe(true);
    const deleted = await json('delete', 'gone', '--archive', '--yes');
    expect(existsSync(home)).toBe(false);
    expect(JSON.parse(readFileSync(join(deleted.archive as string, 'manifest.json'), 'utf8'))).toMatchObject({
      format: 1,
      genieId: 'genie_gone',
    });
  });
});
