import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openJournal } from './file-journal.ts';
import { readLeaseHolder, takeLease } from './lease.ts';

describe('takeLease', () => {
  it('gives a folder to one owner at a time and names that owner', () => {
    const dir = folder();
    const lease = takeLease(dir, 1);
    expect(readLeaseHolder(dir)).toMatchObject({ pid: process.pid, host: hostname(), takenAt: 1 });
    expect(() => takeLease(dir, 2)).toThrow(
      expect.objectContaining({ code: 'GENIE_HOME_IN_USE', message: expect.stringContaining(String(process.pid)) }),
    );
    lease.release();
    lease.release();
    expect(readLeaseHolder(dir)).toBeUndefined();
    const next = takeLease(dir, 3);
    expect([next.generation, next.takenOverFrom]).toEqual([2, undefined]);
    expect(() => lease.check()).toThrow(expect.objectContaining({ code: 'GENIE_HOME_LOST' }));
    expect(() => next.check()).not.toThrow();
    next.release();
  });

  it('refuses a second process, also while the first does nothing, and lets it in after a release', async () => {
    const dir = folder();
    const [first, second] = [await start(dir), await start(dir)];
    expect(await first.ask('take')).toBe('taken 1 -');
    expect(await second.ask('take')).toBe('refused GENIE_HOME_IN_USE');
    expect(await first.ask('release')).toBe('released');
    expect(await second.ask('take')).toBe('taken 2 -');
  });

  it('takes over at once after kill -9', async () => {
    const dir = folder();
    const [first, second] = [await start(dir), await start(dir)];
    await first.ask('take');
    await first.kill();
    expect(await second.ask('take')).toBe(`taken 2 ${first.pid}`);
  });

  it.runIf(process.platform === 'linux')(
    'takes over from a zombie: a process that ended and was not collected',
    async () => {
      const dir = folder();
      // The shell's child ends, and exec replaces the shell by a program that never collects it.
      const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30']);
      onTestFinished(() => void parent.kill('SIGKILL'));
      const pid = Number(await firstLine(parent));
      await until(() => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
      writeHolder(dir, { pid, processStart: 'boot/1' });
      expect(takeLease(dir, 1).takenOverFrom?.pid).toBe(pid);
    },
  );

  it.runIf(process.platform === 'linux')('is not fooled by another process that got the same id later', () => {
    const dir = folder();
    writeHolder(dir, { pid: process.ppid, processStart: 'an earlier boot/1' });
    expect(takeLease(dir, 1).generation).toBe(8);
  });

  it('trusts an owner on another machine only while it shows signs of life', () => {
    const dir = folder();
    writeHolder(dir, { pid: 1, host: 'elsewhere' });
    expect(() => takeLease(dir, 1)).toThrow(expect.objectContaining({ code: 'GENIE_HOME_IN_USE' }));
    const longAgo = new Date(Date.now() - 61_000);
    fs.utimesSync(join(dir, 'lease', '7.json'), longAgo, longAgo);
    expect(takeLease(dir, 1).generation).toBe(8);
  });

  it('notices at its next heartbeat that the folder was taken over: its journal writes nothing more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const dir = folder();
    const journal = openJournal({ dir });
    const run = await journal.open('run_1');
    fs.rmSync(join(dir, 'lease', '1.json'));
    writeHolder(dir, { pid: 1, host: 'elsewhere' });
    const size = fs.statSync(join(dir, '00000001.gj')).size;
    vi.advanceTimersByTime(10_000);
    await expect.poll(() => journal.lease.isLost).toBe(true);
    expect(() => run.append({ kind: 'suspended', at: 1, approvalIds: [] })).toThrow(
      expect.objectContaining({ code: 'GENIE_HOME_LOST' }),
    );
    await journal.close();
    expect(fs.statSync(join(dir, '00000001.gj')).size).toBe(size);
    expect(readLeaseHolder(dir)?.host).toBe('elsewhere');
  });

  it('does not stumble over an unreadable file of a former owner', () => {
    const dir = folder();
    fs.mkdirSync(join(dir, 'lease'));
    fs.writeFileSync(join(dir, 'lease', '4.json'), '{"format":1,"pi');
    expect(takeLease(dir, 1).generation).toBe(5);
  });

  it('has one winner among 20 processes that come at the same moment, also over a crashed owner', async () => {
    for (const crashed of [false, true]) {
      const dir = folder();
      if (crashed) writeHolder(dir, { pid: 2 ** 22 + 7 });
      const contenders = await Promise.all(Array.from({ length: 20 }, () => start(dir)));
      const answers = await Promise.all(contenders.map((contender) => contender.ask('take')));
      expect(answers.filter((answer) => answer.startsWith('taken'))).toHaveLength(1);
      expect(answers.filter((answer) => answer === 'refused GENIE_HOME_IN_USE')).toHaveLength(19);
      await Promise.all(contenders.map((contender) => contender.kill()));
    }
  }, 60_000);
});

const script = join(import.meta.dirname, '../../../fixtures/lease-process.ts');

interface LeaseProcess {
  readonly pid: number | undefined;
  ask(line: string): Promise<string>;
  kill(): Promise<void>;
}

async function start(dir: string): Promise<LeaseProcess> {
  const child = spawn(process.execPath, [
    '--conditions=@genie/source',
    '--disable-warning=ExperimentalWarning',
    script,
    dir,
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  expect(await next()).toBe('ready');
  return {
    pid: child.pid,
    ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    kill: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

async function firstLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('the process said nothing');
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200 && !isTrue(); attempt += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isTrue()).toBe(true);
}

function writeHolder(
  dir: string,
  holder: { readonly pid: number; readonly host?: string; readonly processStart?: string },
): void {
  fs.mkdirSync(join(dir, 'lease'), { recursive: true });
  const text = JSON.stringify({ format: 1, host: hostname(), takenAt: 0, ...holder });
  fs.writeFileSync(join(dir, 'lease', '7.json'), text);
}

function folder(): string {
  const dir = fs.mkdtempSync(join(tmpdir(), 'genie-lease-'));
  onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}
