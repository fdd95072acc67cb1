import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FlagValue, FlagValues } from '../cli/flag-values.ts';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';
import { type FeedServer, openFeedServer } from '../testing/feed-server.ts';
import { containerName, runInDocker } from './run-in-docker.ts';

function baseImage(): { readonly image?: string; readonly reason: string } {
  try {
    const listed = execFileSync('docker', ['images', 'genie-base', '--format', '{{.Repository}}:{{.Tag}}'], {
      stdio: 'pipe',
      timeout: 10_000,
    });
    const [image] = listed.toString().trim().split('\n');
    return image ? { image, reason: '' } : { reason: '(skipped: no base image)' };
  } catch {
    return { reason: '(skipped: no Docker)' };
  }
}

function ask(url: string, statement: string): string {
  return execFileSync('psql', [url, '--quiet', '-Atc', statement], { stdio: 'pipe', timeout: 10_000 })
    .toString()
    .trim();
}

/** The server that the tests of the stores use, where it answers. */
function findDatabase(): string | undefined {
  const url = process.env.GENIE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
  try {
    ask(url, 'select 1');
    return url;
  } catch {
    return undefined;
  }
}

/** Containers are named after the genie, and another run of these tests may be under way. */
const mark = randomUUID().slice(0, 8);
const { image = '', reason } = baseImage();
const database = findDatabase();
const isRoot = process.getuid?.() === 0;
const workspace = new URL('../../../../../', import.meta.url).pathname.replace(/\/$/, '');
const main = new URL('../../main.ts', import.meta.url).pathname;
const program: [string, ...string[]] = [
  'node',
  '--conditions=@genie/source',
  '--disable-warning=ExperimentalWarning',
  main,
];

describe('containerName', () => {
  it('is another one for each home, whatever its id', () => {
    const names = [
      containerName('genie_news', '/genies/news'),
      containerName('genie-news', '/genies/other'),
      containerName('genie_news', '/backup/news'),
      containerName('世界', '/genies/world'),
      containerName('x'.repeat(200), '/genies/long'),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])$/);
  });
});

describe.skipIf(image === '' || !isRoot)(`runInDocker ${reason}`, { timeout: 120_000 }, () => {
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

  const run = async (name: string, home: string, flags: Record<string, FlagValue> = {}) => {
    const lines: string[] = [];
    const written: string[] = [];
    const terminal = {
      note: (line: string) => void lines.push(line),
      stdout: { write: (text: string) => void written.push(text) },
    };
    const context = {
      environment: {},
      terminal: terminal as never,
      signal: new AbortController().signal,
      flags: new FlagValues(new Map(Object.entries(flags))),
    };
    const code = await runInDocker({ context, found: { name, home }, image, program, folders: [workspace] });
    const stdout = written.join('');
    return { code, stdout, text: `${lines.join('\n')}\n${stdout}` };
  };

  it('briefs on a feed that only the host can reach, through the two filters, once at a time', async () => {
    const name = `feed-${mark}`;
    const home = cli.home(name, {
      sources: [{ kind: 'feed', location: server.url }],
      // Of the host's network: inside there is only the door.
      egress: { allow: [server.address], upstreamProxy: { url: 'http://127.0.0.1:9' } },
    });
    const ended = await Promise.allSettled([run(name, home), run(name, home)]);
    const [first] = ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(first?.text).toContain('Parser released');
    expect(first?.code).toBe(0);
    expect(ended.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))).toEqual(['GENIE_HOME_IN_USE']);
  });

  it.skipIf(database === undefined)(
    'keeps its runs in a database of the host, which it reaches by a socket',
    async () => {
      const name = `genie_container_${process.pid}`;
      const target = new URL(database ?? '');
      ask(target.href, `create database ${name}`);
      const store = new URL(target);
      store.pathname = `/${name}`;
      try {
        const home = cli.home(`stored-${mark}`, {
          sources: [{ kind: 'feed', location: server.url }],
          egress: { allow: [server.address] },
        });
        const { code, text } = await run(`stored-${mark}`, home, { store: store.href });
        expect(text).toContain('Parser released');
        expect(code).toBe(0);
        expect(ask(store.href, 'select count(*) from genie.runs where closed is not null')).toBe('1');
        expect(Number(ask(store.href, 'select count(*) from genie.memories'))).toBeGreaterThan(0);
        // The next container knows from there what was reported.
        const again = await run(`stored-${mark}`, home, { store: store.href, json: true });
        expect(again.code).toBe(0);
        expect(JSON.parse(again.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
          status: 'skipped',
          usage: { modelCalls: 0 },
        });
      } finally {
        ask(target.href, `drop database ${name} with (force)`);
      }
    },
  );

  it('survives docker kill at any moment, and does the work once', async () => {
    const home = cli.home(`killed-${mark}`, {
      sources: [{ kind: 'feed', location: server.url }],
      egress: { allow: [server.address] },
    });
    let kills = 0;
    const over = new AbortController();
    const killing = (async () => {
      for (const afterMs of [500, 900, 1_300, 1_700]) {
        await sleep(afterMs, undefined, { signal: over.signal });
        await promisify(execFile)('docker', ['kill', `genie-run-${containerName(`genie_killed-${mark}`, home)}`]).then(
          () => (kills += 1),
          () => undefined,
        );
      }
    })().catch(() => undefined);
    const { code } = await run(`killed-${mark}`, home);
    over.abort();
    await killing;
    expect(code).toBe(0);
    expect(kills).toBeGreaterThan(0);
    const { runs } = JSON.parse((await cli.inProcess(['show', `killed-${mark}`, '--json'])).stdout) as {
      runs: { status: string }[];
    };
    expect(runs.filter(({ status }) => status === 'completed')).toHaveLength(1);
  });
});
