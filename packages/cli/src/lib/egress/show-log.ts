import { existsSync } from 'node:fs';
import type { AuditQuery, StoredEntry } from '@genie/egress';
import { bytes } from '../../print/amounts.ts';
import { plainLine, type Style } from '../../print/style.ts';
import type { Command, CommandContext } from '../cli/command.ts';
import { exitCodes } from '../cli/exit-codes.ts';
import { usageError } from '../cli/usage-error.ts';
import { auditFolder } from '../compose/open-egress.ts';
import { findHome } from '../homes/find-home.ts';

/** `genie egress log`: what left, what did not, and why; then whether the log is whole. */
export const showLog: Command['run'] = async (context) => {
  const { flags, terminal } = context;
  const { queryAudit, verifyAudit } = await import('@genie/egress');
  const dir = flags.text('audit') ?? auditFolder(findHome(context).home);
  if (!existsSync(dir)) {
    terminal.print('Nothing asked to leave yet.');
    return exitCodes.ok;
  }
  const limit = flags.positive('limit') ?? 100;
  const latest: StoredEntry[] = [];
  for await (const entry of queryAudit(dir, readFilter(context))) {
    latest.push(entry);
    if (latest.length > limit) latest.shift();
  }
  for (const entry of latest) {
    terminal.printJson(entry);
    terminal.print(entryLine(entry, terminal.style));
  }
  const { isIntact, entries, problems } = await verifyAudit(dir);
  if (isIntact) terminal.note(`${entries} entries, none changed, none missing`);
  else for (const problem of problems.slice(0, 10)) terminal.note(`The log was changed: ${problem}`);
  return isIntact ? exitCodes.ok : exitCodes.failed;
};

function readFilter({ flags }: CommandContext): AuditQuery {
  const [host, runId, since] = ['host', 'run', 'since'].map((name) => flags.text(name));
  const from = since === undefined ? undefined : Date.parse(since);
  if (Number.isNaN(from))
    throw usageError(`--since is ${JSON.stringify(since)}: write a time like 2026-03-01T08:00:00Z.`);
  return {
    ...(host === undefined ? {} : { host }),
    ...(runId === undefined ? {} : { runId }),
    ...(from === undefined ? {} : { since: from }),
    ...(flags.on('blocked') ? { event: 'blocked' as const } : {}),
  };
}

/** `2026-03-01T08:00:00.000Z blocked GET example.com:443/path  not-allowed`. */
function entryLine(entry: StoredEntry, style: Style): string {
  const { event, host, port, path = '', method, reason, rule, tool, runId, status, bytesUp, bytesDown, tookMs } = entry;
  const where = plainLine(`${method === undefined ? '' : `${method} `}${host}:${port}${path}`, 200);
  const paint = { allowed: style.green, blocked: style.red, closed: style.dim }[event];
  const end =
    event === 'closed'
      ? [status, `${bytes(bytesUp ?? 0)} up`, `${bytes(bytesDown ?? 0)} down`, `${tookMs ?? 0} ms`, reason]
      : [reason ?? rule, tool && `by ${tool}`, runId];
  const words = end.filter((word) => word !== undefined).map(String);
  return `${style.dim(new Date(entry.at).toISOString())} ${paint(event.padEnd(7))} ${where}  ${plainLine(words.join(' · '), 200)}`;
}
