// Connects to a program, kills it or hangs up, and counts what is left of it: nothing may be.
import path from 'node:path';
import { connectMcp } from '@genie/tools/mcp';

interface SoakOptions {
  readonly trials?: number;
  readonly log: (line: string) => void;
}

const fixture = path.join(import.meta.dirname, '../../fixtures/mcp/fixture-server.ts');

export async function soak({ trials = 500, log }: SoakOptions) {
  const pids: number[] = [];
  for (let trial = 0; trial < trials; trial += 1) {
    const connection = await connectMcp({
      name: 'soak',
      command: process.execPath,
      args: ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning', fixture, '--stdio'],
      env: { PATH: process.env.PATH ?? '' },
      protocol: trial % 2 === 0 ? 'legacy' : 'auto',
    });
    const { pid } = connection;
    if (pid !== undefined) pids.push(pid);
    if (pid !== undefined && trial % 3 === 0) process.kill(pid, 'SIGKILL');
    await connection.close();
    if (trial % 50 === 49) log(`mcp connections: ${trial + 1} of ${trials}`);
  }
  const leaked = pids.filter(isRunning).length;
  const started = pids.length;
  return [
    {
      id: 'mcp.leaked-processes',
      what: `child processes left after ${trials} connections, a third of them killed`,
      value: leaked,
      unit: 'processes',
      reach: '= 0',
      ok: leaked === 0 && started === trials,
    },
  ];
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
