import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureApprovals } from './measure-approvals.ts';
import { measureContainment } from './measure-containment.ts';
import { measureDispatcher } from './measure-dispatcher.ts';
import { measureProxy } from './measure-proxy.ts';
import type { Row } from './row.ts';
import { startServer } from './servers.ts';

export interface BenchOptions {
  readonly json: boolean;
  readonly log: (line: string) => void;
}

/** Every figure of the filter, each ratio against a bare counterpart in the same interleaved run. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'genie-egress-bench-'));
  // Squid works as a user of its own.
  chmodSync(dir, 0o711);
  const origin = await startServer<{ web: number; tcp: number }>('origin');
  try {
    const { web, tcp } = origin.ports;
    const rows = [
      ...(await measureProxy({ web, tcp, auditDir: join(dir, 'audit'), squidDir: join(dir, 'squid'), log })),
      ...(await measureDispatcher({ web, log })),
      ...(await measureApprovals({ web, dir: join(dir, 'approvals'), log })),
      ...(await measureContainment({ log })),
    ];
    return rows;
  } finally {
    origin.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
