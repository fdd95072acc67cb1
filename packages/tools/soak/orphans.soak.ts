import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atMost, type Row } from '../bench/measure.ts';
import { killWhileStarting, startedAtOnce } from '../src/lib/sandbox/testing/kill-while-starting.ts';

/** Kills the runtime with SIGKILL while its sandboxes start, and looks for what goes on without it. */
export async function soak({
  trials,
  log,
}: {
  readonly trials?: number;
  readonly log: (line: string) => void;
}): Promise<Row[]> {
  const rounds = trials ?? 200;
  const workspace = mkdtempSync(join(tmpdir(), 'genie-soak-'));
  if (process.getuid?.() === 0) chownSync(workspace, 65532, 65532);
  let left = 0;
  for (let round = 0; round < rounds; round += 1) {
    left += await killWhileStarting(workspace, { mark: `${50_000 + round}.125`, afterMs: (round * 7) % 40 });
    if (round % 20 === 19) log(`${round + 1} of ${rounds} kills`);
  }
  rmSync(workspace, { recursive: true, force: true });
  return [
    atMost(
      'tools.kill.orphans',
      `processes left by ${rounds} runtimes that were killed while ${startedAtOnce} sandboxes started`,
      {
        value: left,
        unit: 'processes',
        limit: 0,
      },
    ),
  ];
}
