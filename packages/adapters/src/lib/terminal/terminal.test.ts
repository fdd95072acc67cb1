import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedClock } from '@genie/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalProcessOrchestrator, localHome } from '../local-process/local-process-orchestrator.ts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import { idle, run, shell } from '../orchestrator/orchestrator-setup.ts';
import { openTerminal, type Terminal } from './open-terminal.ts';
import { readInspection } from './read-inspection.ts';
import { openTerminalAudit, type TerminalAudit, type TerminalNote } from './terminal-audit.ts';
import { createTerminalTokens } from './terminal-tokens.ts';

const dir = mkdtempSync(join(tmpdir(), 'genie-terminal-'));
const auditPath = join(dir, 'audit', 'terminal.jsonl');
let orchestrator: Orchestrator;
let audit: TerminalAudit;
beforeAll(async () => {
  orchestrator = createLocalProcessOrchestrator({ dir: join(dir, 'containers') });
  audit = openTerminalAudit(auditPath);
  await run(orchestrator, shell('one', `echo content > "$HOME/file"; ${idle}`));
});
afterAll(async () => {
  await orchestrator.destroy('one');
  await orchestrator.close();
  await audit.close();
  rmSync(dir, { recursive: true, force: true });
});

const notes = () =>
  readFileSync(auditPath, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TerminalNote);

async function opened(more: object) {
  const terminal = await openTerminal({ orchestrator, name: 'one', mode: 'read-only', user: 'ada', audit, ...more });
  const screen = { text: '' };
  void (async () => {
    for await (const data of terminal.output) screen.text += Buffer.from(data).toString('utf8');
  })();
  const sees = (wanted: string) => expect.poll(() => screen.text, { timeout: 10_000 }).toContain(wanted);
  return { terminal, screen, sees };
}

async function close(terminal: Terminal): Promise<void> {
  await terminal.close();
  await terminal.close();
}

describe('openTerminal', { timeout: 30_000 }, () => {
  it('read-only shows what is there, and runs nothing else', async () => {
    const { terminal, screen, sees } = await opened({ mode: 'read-only' });
    await terminal.write(`cat ${join(localHome({ dir: join(dir, 'containers') }, 'one'), 'file')}\r`);
    await sees('content');
    for (const line of [
      'rm -rf /',
      'sh',
      'cat $(touch x)',
      'ls; touch x',
      'find . -delete',
      'find . -exec rm {} ;',
      'tail -f /dev/null',
      'env sh',
    ])
      await terminal.write(`${line}\r`);
    await terminal.write('pwd\r');
    await sees('env sh: not allowed here');
    for (const reason of [
      'rm: not allowed here',
      'sh: not allowed here',
      'find -delete: not allowed here',
      'find -exec: not allowed here',
      'tail -f: not allowed here',
    ])
      expect(screen.text).toContain(reason);
    await close(terminal);
    expect(await terminal.ended).toBe('closed');
  });

  it.runIf(process.platform === 'linux')('full is a shell of the size asked for, until it is left', async () => {
    const { terminal, sees } = await opened({ mode: 'full', columns: 91, rows: 31 });
    await terminal.write('stty size; echo $((6*7))$((1+1))\n');
    await sees('31 91');
    await sees('422');
    await terminal.resize(101, 41);
    await terminal.resize(-1, 41);
    await terminal.write('stty size\n');
    await sees('41 101');
    await terminal.write('exit\n');
    expect(await terminal.ended).toBe('exit');
  });

  it('notes who opened it, what was typed and how it ended', async () => {
    const { terminal } = await opened({ user: 'grace' });
    await terminal.write('ls\r');
    await close(terminal);
    const own = notes().filter(({ user }) => user === 'grace');
    expect(own.map(({ type, text }) => [type, text])).toEqual([
      ['open', '80x24'],
      ['input', 'ls\r'],
      ['end', 'closed'],
    ]);
    expect(new Set(own.map(({ session }) => session)).size).toBe(1);
  });

  it('ends when nothing is typed for long, and after its longest time', async () => {
    const clock = fixedClock();
    const idleOne = await opened({ clock, idleTimeoutMs: 1_000 });
    clock.advance(900);
    await idleOne.terminal.write('p');
    clock.advance(900);
    await idleOne.terminal.write('w');
    clock.advance(1_000);
    expect(await idleOne.terminal.ended).toBe('idle');
    const busy = await opened({ clock, idleTimeoutMs: 10_000, maxDurationMs: 5_000 });
    clock.advance(5_000);
    expect(await busy.terminal.ended).toBe('too-long');
  });

  it('does not go on when it cannot be noted', async () => {
    let isFull = false;
    const full: TerminalAudit = {
      append: () => (isFull ? Promise.reject(new Error('ENOSPC')) : Promise.resolve()),
      close: async () => undefined,
    };
    const { terminal } = await opened({ audit: full });
    isFull = true;
    await expect(terminal.write('ls\r')).rejects.toMatchObject({ code: 'GENIE_TERMINAL_AUDIT' });
    expect(await terminal.ended).toBe('audit-failed');
    await expect(
      openTerminal({ orchestrator, name: 'one', mode: 'read-only', user: 'ada', audit: full }),
    ).rejects.toMatchObject({ code: 'GENIE_TERMINAL_AUDIT' });
  });

  it('refuses a shell where there is no terminal, and containers that are not there', async () => {
    const without = { ...orchestrator, capabilities: { ...orchestrator.capabilities, terminal: false } };
    await expect(opened({ mode: 'full', orchestrator: without })).rejects.toMatchObject({
      code: 'GENIE_CONTAINER_UNSUPPORTED',
    });
    const { terminal, sees } = await opened({ name: 'none' });
    await terminal.write('ls\r');
    await sees('There is no container "none"');
    await close(terminal);
  });
});

describe('readInspection', () => {
  it.each([
    'ls -la /genie',
    'head -n 5 "a b"',
    'grep -rn x .',
    'find . -name x -type f',
    'ps aux',
    'date +%s',
    "cat 'a;b'",
  ])('takes %j', (line) => {
    expect(readInspection(line).kind).toBe('command');
  });
  it.each([
    'constructor',
    '__proto__',
    '/bin/ls',
    'bash',
    'cat\0',
    'ls --color=$(x)',
    'grep -f /etc/shadow x',
    'grep --include=x y',
    'find / -fprint x',
    'find / -ok x',
    'find / -execdir x',
    'du --files0-from=x',
    'env A=b sh',
    'date -s now',
    'date 010100002020',
    'ps -o x=y',
    'wc --files0-from=-',
    'ls "open',
    'tail --pid=1',
    'stat --printf=x',
  ])('refuses %j', (line) => {
    expect(readInspection(line).kind).toBe('refused');
  });
});

describe('createTerminalTokens', () => {
  const grant = { user: 'ada', container: 'one', mode: 'full' } as const;
  it('opens one terminal once, for a while, for its container', () => {
    const clock = fixedClock();
    const tokens = createTerminalTokens({ lifeMs: 1_000, clock });
    const token = tokens.issue(grant);
    expect(tokens.redeem(token, 'one')).toEqual(grant);
    const refused = (one: string, container = 'one') =>
      expect(() => tokens.redeem(one, container)).toThrow(expect.objectContaining({ code: 'GENIE_TERMINAL_TOKEN' }));
    refused(token);
    refused('guess');
    const late = tokens.issue(grant);
    clock.advance(1_000);
    refused(late);
    const other = tokens.issue(grant);
    refused(other, 'two');
    refused(other);
    expect(new Set(Array.from({ length: 100 }, () => tokens.issue(grant))).size).toBe(100);
  });
});
