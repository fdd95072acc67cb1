import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../lib/testing/cli-fixture.ts';
import { type FeedServer, type NameServer, openFeedServer, openNameServer } from '../lib/testing/feed-server.ts';

let cli: CliFixture;
let server: FeedServer;
let names: NameServer;

beforeAll(async () => {
  cli = createCliFixture();
  server = await openFeedServer(['Parser released']);
  names = await openNameServer();
});
afterAll(async () => {
  await Promise.all([server.close(), names.close()]);
  cli.remove();
});

/** The status of a request for `url` through a proxy on loopback. */
function statusThrough(port: number, url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path: url, headers: { host: new URL(url).host, ...headers } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on('error', reject).end();
  });
}

describe('genie egress', { timeout: 60_000 }, () => {
  it('is a forward proxy that lets the allowed through and refuses the rest', async () => {
    const started = cli.start([
      'egress',
      '--json',
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--auth',
      'user:pass',
      '--allow',
      'news.example.test',
      'other.example.test',
      '--allow-port',
      String(server.port),
      '80',
      '--resolver',
      names.address,
      '--allow-private',
      server.address,
    ]);
    let printed = '';
    started.child.stdout?.on('data', (text: string) => {
      printed += text;
    });
    await started.printed('listening');
    const { port, allowed } = JSON.parse(printed) as { port: number; allowed: string[] };
    expect(allowed).toEqual(['news.example.test', 'other.example.test']);
    const authorization = { 'proxy-authorization': `Basic ${Buffer.from('user:pass').toString('base64')}` };
    expect(await statusThrough(port, `http://news.example.test:${server.port}/feed.xml`)).toBe(407);
    expect(await statusThrough(port, `http://news.example.test:${server.port}/feed.xml`, authorization)).toBe(200);
    expect(await statusThrough(port, `http://evil.example.test:${server.port}/`, authorization)).toBe(403);
    started.child.kill('SIGTERM');
    const ended = await started.ended;
    expect(ended.code).toBe(0);
  });
});

describe('genie watch', { timeout: 60_000 }, () => {
  it('wakes by the schedule, goes on with a run that was decided elsewhere, and ends with Ctrl-C', async () => {
    const location = `http://news.example.test:${server.port}/feed.xml`;
    cli.home('asking', {
      sources: [{ kind: 'feed', location }],
      egress: { allow: [], allowPrivate: [server.address], resolver: names.address },
      schedule: { cron: '* * * * * *', timezone: 'UTC' },
    });
    const started = cli.start(['watch', 'asking']);
    await started.printed('woken by its schedule');
    await started.printed('genie approve asking');
    await cli.inProcess(['approve', 'asking', '--all', '--allow-always']);
    await started.printed('- Parser released');
    await started.printed('nothing new in 1 source');
    started.child.kill('SIGINT');
    const ended = await started.ended;
    expect([0, 130]).toContain(ended.code);
    expect(await cli.inProcess(['list'])).toMatchObject({ stdout: expect.stringMatching(/asking\s+(?:asleep|waits)/) });
  });

  it('needs a schedule', async () => {
    cli.home('idle', {});
    expect(await cli.inProcess(['watch', 'idle'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_SCHEDULE_MISSING'),
    });
  });
});

describe('genie conformance', { timeout: 60_000 }, () => {
  it('lists the suites, passes what keeps the promises, and fails what breaks one', async () => {
    const listed = JSON.parse((await cli.inProcess(['conformance', '--json'])).stdout) as {
      suites: { name: string; cases: number }[];
    };
    expect(listed.suites.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['journal', 'model', 'record-store', 'sandbox']),
    );
    const named = (name: string) => [
      'conformance',
      'journal',
      join(import.meta.dirname, '../lib/testing/conformance-setups.ts'),
      '--export',
      name,
    ];
    const passed = await cli.inProcess(named('memoryJournal'));
    expect(passed.stdout).toMatch(/\d+ passed, 0 failed/);
    expect(passed.code).toBe(0);
    const failed = await cli.inProcess([...named('forgetfulJournal'), '--json']);
    expect(failed.code).toBe(1);
    expect((JSON.parse(failed.stdout) as { failed: number }).failed).toBeGreaterThan(0);
  });

  it.each([
    [['conformance', 'jurnal', './x.ts'], 'Did you mean "journal"?'],
    [['conformance', 'journal'], 'needs the module'],
    [['conformance', 'journal', './missing.ts'], 'does not exist'],
  ] as const)('%j is wrong usage', async (args, words) => {
    expect(await cli.inProcess(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
  });
});

describe('genie completion', { timeout: 60_000 }, () => {
  const hasShell = (shell: string): boolean => {
    try {
      execFileSync(shell, ['-c', 'true']);
      return true;
    } catch {
      return false;
    }
  };

  it('completes commands, flags and names in bash', async ({ skip }) => {
    if (!hasShell('bash')) skip('there is no bash');
    cli.home('completed', {});
    const { stdout } = await cli.genie(['completion', 'bash']);
    const ask = (...words: string[]): string => {
      const line = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; genie() { echo completed; }; _genie; echo "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', `${stdout}\n${line}`], { encoding: 'utf8' }).trim();
    };
    expect(ask('genie', 'ev')).toBe('events');
    expect(ask('genie', 'run', '--exit')).toBe('--exit-code');
    expect(ask('genie', 'run', 'comp')).toBe('completed');
  });

  it.each(['zsh', 'fish'])('prints a script for %s with every command', async (shell) => {
    const { stdout } = await cli.inProcess(['completion', shell]);
    for (const name of ['new', 'run', 'approve', 'conformance']) expect(stdout).toContain(name);
    expect(stdout).toContain('exit-code');
  });
});

describe('a terminal', { timeout: 60_000 }, () => {
  /** Runs genie on a terminal that script(1) makes; the input is typed when the screen shows what it answers. */
  function onTerminal(
    args: readonly string[],
    typed: readonly (readonly [when: RegExp, keys: string])[],
  ): Promise<string> {
    const main = join(import.meta.dirname, '../main.ts');
    const command = [
      process.execPath,
      '--conditions=@genie/source',
      '--disable-warning=ExperimentalWarning',
      main,
      ...args,
    ]
      .map((word) => `'${word}'`)
      .join(' ');
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: cli.folder,
      GENIE_HOME: cli.homes,
      TERM: 'xterm-256color',
      OLLAMA_HOST: '127.0.0.1:1',
    };
    const child = spawn('script', ['-qefc', `stty cols 100 rows 40; ${command}`, '/dev/null'], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const waiting = [...typed];
    let screen = '';
    let from = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      const [next] = waiting;
      if (!next?.[0].test(screen.slice(from))) return;
      waiting.shift();
      from = screen.length;
      child.stdin.write(next[1]);
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject).on('close', () => resolve(screen));
    });
  }

  const hasScript = (): boolean => {
    try {
      execFileSync('script', ['-qefc', 'true', '/dev/null'], { stdio: 'ignore', input: '' });
      return true;
    } catch {
      return false;
    }
  };

  it('shows moving progress in colours', async ({ skip }) => {
    if (!hasScript()) skip('there is no script(1) of util-linux, which makes a terminal');
    cli.home('seen', { sources: [{ kind: 'feed', location: server.url }], egress: { allow: [server.address] } });
    const screen = await onTerminal(['run', 'seen'], []);
    expect(screen).toContain('\u001b[2K');
    expect(screen).toContain('\u001b[1mexecute');
    expect(screen).toContain('Parser released');
  });

  it('asks for the decision a run waits for, and goes on in the same process', async ({ skip }) => {
    if (!hasScript()) skip('there is no script(1) of util-linux, which makes a terminal');
    const location = `http://news.example.test:${server.port}/feed.xml`;
    cli.home('asked', {
      sources: [{ kind: 'feed', location }],
      egress: { allow: [], allowPrivate: [server.address], resolver: names.address },
    });
    const screen = await onTerminal(['run', 'asked'], [[/May it\?[\s\S]*Decide later/, '\r']]);
    expect(screen).toContain('"host": "news.example.test"');
    expect(screen).toContain('Parser released');
  });

  it('makes a genie out of a few answers', async ({ skip }) => {
    if (!hasScript()) skip('there is no script(1) of util-linux, which makes a terminal');
    const screen = await onTerminal(
      ['new', 'answered'],
      [
        [/pursue\?/, 'Watch this feed\r'],
        [/look\?/, `${server.url}\r`],
        [/as it is\?/, '\r'],
      ],
    );
    expect(screen).toContain('answered');
    expect(JSON.parse(readFileSync(join(cli.homes, 'answered', 'genie.json'), 'utf8'))).toMatchObject({
      goal: 'Watch this feed',
      sources: [{ kind: 'feed', location: server.url }],
      schedule: { cron: '0 * * * *' },
      egress: { allow: [server.address] },
    });
  });
});
