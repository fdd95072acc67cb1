import type { Approvals, Grant } from '@genie/core/ports';
import { relative } from '../../print/amounts.ts';
import type { Command, CommandContext } from '../cli/command.ts';
import { exitCodes } from '../cli/exit-codes.ts';
import { usageError } from '../cli/usage-error.ts';
import { withStore } from '../compose/open-store.ts';
import { storeChoice } from '../compose/store-reference.ts';
import { findHome } from '../homes/find-home.ts';

/** `genie egress grants`: what the user allowed or denied for good, or for a run. */
export const listGrants: Command['run'] = async (context) => {
  const { terminal } = context;
  await withApprovals(context, async (approvals) => {
    const grants = await egressGrants(approvals);
    terminal.printJson({ grants });
    for (const grant of grants) terminal.print(grantLine(grant));
    if (grants.length === 0) terminal.print('No grants: every host that is not on the list is asked for.');
  });
  return exitCodes.ok;
};

/** `genie egress revoke`: takes grants back. Connections that are open under them are cut, also in other processes. */
export const revokeGrants: Command['run'] = async (context) => {
  const { terminal, flags } = context;
  await withApprovals(context, async (approvals, ids) => {
    const grants = await egressGrants(approvals);
    const chosen = flags.on('all') ? grants.map(({ id }) => id) : ids;
    if (chosen.length === 0 && !flags.on('all'))
      throw usageError('Name the grants to take back (genie egress grants lists them), or use --all.');
    const unknown = chosen.find((id) => !grants.some((grant) => grant.id === id));
    if (unknown !== undefined) throw usageError(`There is no grant "${unknown}" for leaving. See: genie egress grants`);
    for (const id of chosen) await approvals.grants.revoke(id);
    terminal.printJson({ revoked: chosen });
    for (const { id, subject } of grants) if (chosen.includes(id)) terminal.print(`Taken back: ${subject} · ${id}`);
  });
  return exitCodes.ok;
};

async function withApprovals(
  context: CommandContext,
  work: (approvals: Approvals, ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const { home, rest } = findHome(context, { nameIsOptional: true });
  await withStore(home, storeChoice(context), ({ approvals }) => work(approvals, rest));
}

async function egressGrants(approvals: Approvals): Promise<readonly Grant[]> {
  return (await approvals.grants.list()).filter(({ kind }) => kind === 'egress');
}

function grantLine({ id, subject, effect, grantedAt, expiresAt }: Grant): string {
  const [, host, port, rest = ''] = /^egress:(.*):(\d+):(.*)$/.exec(subject) ?? [];
  const [methods = '', runId] = rest.split('@');
  const what = methods === 'write' ? 'read and send' : methods;
  const until = expiresAt === undefined ? 'until it is taken back' : `until ${relative(expiresAt, Date.now())}`;
  const scope = runId === undefined ? until : `for run ${runId}`;
  return `${effect === 'allow' ? '✓' : '✗'} ${host}:${port} ${what} · ${scope} · since ${relative(grantedAt, Date.now())} · ${id}`;
}
