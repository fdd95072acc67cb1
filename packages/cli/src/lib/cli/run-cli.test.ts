import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { writeGenieFile } from '@genie/core/home';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliProcess, runCli } from './run-cli.ts';

interface FakeProcess extends CliProcess {
  readonly exits: readonly number[];
  interrupt(): void;
  printed(): string;
}

function fakeProcess(argv: readonly string[]): FakeProcess {
  const homes = mkdtempSync(join(tmpdir(), 'genie-run-cli-'));
  onTestFinished(() => rmSync(homes, { recursive: true, force: true }));
  writeGenieFile(homes, { format: 1, id: 'genie_x', goal: 'Watch', createdAt: 1 });
  const listeners = new Set<() => void>();
  const exits: number[] = [];
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  return {
    argv,
    environment: { GENIE_HOME: homes },
    workingFolder: homes,
    version: '1.2.3',
    exits,
    stdin: Readable.from([]) as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    exit: (code) => void exits.push(code),
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    interrupt() {
      for (const listener of listeners) listener();
    },
    printed: () => String(stdout.read() ?? ''),
  };
}

const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

describe('runCli', () => {
  it('lets a command end in order after the first Ctrl-C, and ends the process at the second', async () => {
    const cli = fakeProcess(['events', '--follow']);
    const running = runCli(cli);
    await aMoment();
    cli.interrupt();
    expect(cli.exits).toEqual([]);
    cli.interrupt();
    expect(cli.exits).toEqual([130]);
    expect(await running).toBe(0);
    cli.interrupt();
    expect(cli.exits).toEqual([130]);
  });

  it('prints its version, also as JSON', async () => {
    const cli = fakeProcess(['--version']);
    expect(await runCli(cli)).toBe(0);
    expect(cli.printed()).toBe('1.2.3\n');
    const json = fakeProcess(['--version', '--json']);
    await runCli(json);
    expect(JSON.parse(json.printed())).toEqual({ version: '1.2.3' });
  });
});
