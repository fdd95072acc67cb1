import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { toErrorRecord } from '@genie/core/errors';
import { homeFolders } from '@genie/core/home';
import { verifyAudit } from '@genie/egress';
import { count } from '../../print/amounts.ts';
import { auditFolder } from '../compose/open-egress.ts';
import { withStore } from '../compose/open-store.ts';
import type { StoreChoice } from '../compose/store-reference.ts';
import { inspectHome } from '../homes/inspect-home.ts';
import type { NamedHome } from '../homes/list-homes.ts';
import { isUnfinished } from '../homes/run-summary.ts';
import type { Check } from './check.ts';

/** Whether a home can be used, who uses it, and what waits in it. Changes nothing. */
export async function checkHome(named: NamedHome, choice: StoreChoice): Promise<readonly Check[]> {
  const checks = [
    await guarded(named, 'file', () => checkFile(named, choice)),
    await guarded(named, 'memory', () => checkMemory(named, choice)),
    await guarded(named, 'audit', () => checkAudit(named)),
  ];
  return checks.flat();
}

async function checkFile(named: NamedHome, choice: StoreChoice): Promise<readonly Check[]> {
  accessSync(named.home, constants.R_OK | constants.W_OK);
  const { file, holder, runs, approvals, keptIn } = await inspectHome(named, choice);
  const unfinished = runs.filter(isUnfinished);
  const damaged = runs.filter(({ status }) => status === 'damaged');
  const latest = Math.max(file.createdAt, ...runs.map((run) => run.closedAt ?? run.openedAt));
  return [
    {
      name: named.name,
      status: 'ok',
      detail: `genie.json is whole; ${count(runs.length, 'run')}, ${count(approvals.length, 'approval')} waiting; ${holder ? `in use by process ${holder.pid} on ${holder.host}` : 'not in use'}${keptIn === 'postgres' ? '; it keeps them in Postgres' : ''}`,
    },
    ...(unfinished.length > 0
      ? [
          warning(
            named,
            `${count(unfinished.length, 'unfinished run')}: ${unfinished.map(({ runId }) => runId).join(', ')}`,
            `genie resume ${named.name} --all`,
          ),
        ]
      : []),
    ...(damaged.length > 0
      ? [
          warning(
            named,
            `${count(damaged.length, 'run')} with lost records: ${damaged.map(({ runId }) => runId).join(', ')}`,
            'Their rest is kept; restore the journal from an export to get them back.',
          ),
        ]
      : []),
    ...(latest > Date.now() + 60_000
      ? [
          warning(
            named,
            `its last record is from ${new Date(latest).toISOString()}, which is in the future`,
            'The clock of this machine went back: set it.',
          ),
        ]
      : []),
  ];
}

function checkMemory(named: NamedHome, choice: StoreChoice): Promise<readonly Check[]> {
  return withStore(named.home, choice, async (store) => {
    if (store.kind === 'home' && !existsSync(join(homeFolders(named.home).memory, 'knowledge.db')))
      return [{ name: named.name, status: 'ok', detail: 'it remembers nothing yet' }];
    const memory = await store.openMemory();
    try {
      const { ok, problems } = await memory.verify();
      if (ok) return [{ name: named.name, status: 'ok', detail: 'its memory is sound' }];
      return [
        {
          name: named.name,
          status: 'fail',
          detail: `its memory is damaged: ${problems.slice(0, 3).join('; ')}`,
          fix: store.kind === 'home' ? 'Restore it from an export.' : 'Restore the database from a backup.',
        },
      ];
    } finally {
      await memory.close();
    }
  });
}

async function checkAudit(named: NamedHome): Promise<readonly Check[]> {
  const dir = auditFolder(named.home);
  if (!existsSync(dir)) return [{ name: named.name, status: 'ok', detail: 'nothing asked to leave yet' }];
  const { isIntact, entries, problems } = await verifyAudit(dir);
  if (isIntact)
    return [
      { name: named.name, status: 'ok', detail: `its egress log is intact: ${count(entries, 'entry', 'entries')}` },
    ];
  return [
    warning(
      named,
      `its egress log was changed: ${problems.slice(0, 3).join('; ')}`,
      'Somebody or something wrote to it beside the genie.',
    ),
  ];
}

function warning(named: NamedHome, detail: string, fix: string): Check {
  return { name: named.name, status: 'warn', detail, fix };
}

async function guarded(
  named: NamedHome,
  what: string,
  work: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = toErrorRecord(error, 'GENIE_CLI_FAILED');
    return [{ name: named.name, status: 'fail', detail: `${what}: ${message} [${code}]` }];
  }
}
