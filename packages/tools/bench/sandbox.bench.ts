import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox } from '../src/lib/sandbox/create-sandbox.ts';
import { atMost, interleave, type Row } from './measure.ts';

const rounds = 150;

/** A sandboxed command against the same command without a sandbox. */
export async function bench({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  const workspace = mkdtempSync(join(tmpdir(), 'genie-bench-'));
  if (process.getuid?.() === 0) chownSync(workspace, 65532, 65532);
  const sandbox = await createSandbox({ workspace });
  const limits = { timeoutMs: 10_000, maxOutputBytes: 10_000 };
  const inside = (command: readonly [string, ...string[]], more = {}) =>
    sandbox.run({ command, workingDirectory: '.', environment: {}, limits: { ...limits, ...more } });
  try {
    const times = await interleave(
      {
        plain: () => plain('/bin/true', []),
        plainScript: () => plain('/bin/sh', ['-c', 'true']),
        sandboxed: () => inside(['/bin/true']),
        script: () => inside(['/bin/sh', '-c', 'true']),
        limited: () => inside(['/bin/sh', '-c', 'true'], { maxMemoryBytes: 256 * 1024 * 1024 }),
      },
      rounds,
    );
    for (const [name, value] of Object.entries(times)) log(`${name}: ${value.toFixed(2)} ms`);
    return [
      atMost('tools.sandbox.true', 'sandboxed `true` against a plain spawn', {
        value: times.sandboxed / times.plain,
        unit: '×',
        limit: 3,
      }),
      atMost('tools.sandbox.script', 'a sandboxed script `true` (the shell tool) against the same script', {
        value: times.script / times.plainScript,
        unit: '×',
        limit: 3,
      }),
      atMost('tools.sandbox.limited', 'the same with a memory limit', {
        value: times.limited / times.plainScript,
        unit: '×',
        limit: 5,
      }),
    ];
  } finally {
    await sandbox.close();
    rmSync(workspace, { recursive: true, force: true });
  }
}

function plain(program: string, argumentList: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argumentList, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}
