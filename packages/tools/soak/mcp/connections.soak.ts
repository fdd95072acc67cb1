// Connects to programs, kills them or hangs up, and counts what is left of them and of what they started: nothing may be.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMcp } from '@genie/tools/mcp';

interface SoakOptions {
  readonly trials?: number;
  readonly log: (line: string) => void;
}

const fixtures = path.join(import.meta.dirname, '../../fixtures/mcp');
const flags = ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'];
const restless = [...flags, path.join(fixtures, 'restless-server.ts')];
const full = [...flags, path.join(fixtures, 'fixture-server.ts'), '--stdio'];

export async function soak({ trials = 500, log }: SoakOptions) {
  const mark = `genie-soak-${randomUUID()}`;
  let started = 0;
  let killed = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const connection = await connectMcp({
      name: 'soak',
      command: process.execPath,
      args: trial % 25 === 0 ? full : restless,
      env: { PATH: process.env.PATH ?? '', MARK: mark },
      protocol: trial % 2 === 0 ? 'legacy' : 'auto',
    });
    const { pid } = connection;
    if (pid !== undefined) started += 1;
    if (pid !== undefined && trial % 2 === 1) {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
    await connection.close();
    if (trial % 50 === 49) log(`mcp connections: ${trial + 1} of ${trials}, ${marked(mark).length} processes left`);
  }
  await sleep(500);
  const leaked = marked(mark).length;
  for (const pid of marked(mark)) process.kill(pid, 'SIGKILL');
  return [
    {
      id: 'mcp.leaked-processes',
      what: `processes left after ${trials} connections to programs that leave one behind, ${killed} of them killed`,
      value: leaked,
      unit: 'processes',
      reach: '= 0',
      ok: leaked === 0 && started === trials,
    },
  ];
}

/** Whatever carries the mark in its environment, wherever it hangs in the tree. */
function marked(mark: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
