import { describeThrown, GenieError, type GenieErrorCode } from '@genie/core/errors';

/** SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html, or the code of a system error. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

const advice: Readonly<Record<string, string>> = {
  '28P01': 'the server refuses this user or password; check the connection URL',
  '28000': 'the server refuses this user; check the connection URL and pg_hba.conf',
  '3D000': 'this database does not exist; create it first',
  '42501': 'the role lacks rights; grant it CREATE on the database, or run the migrations as its owner',
  '42P01': 'the tables are missing; open the store with migrations on, or run them first',
  '53100': 'the disk of the server is full; make space, then try again',
  '53200': 'the server is out of memory',
  '53300': 'the server takes no more connections; raise max_connections or lower the pool',
  '25P03': 'this process stood still in the middle of a transaction, and the server ended it',
  '57014': 'the statement took too long and was cancelled',
  '57P01': 'the server ended the connection',
  '57P03': 'the server is starting',
  ECONNREFUSED: 'nobody listens there; start the server or correct the connection URL',
  ENOTFOUND: 'the host name of the connection URL does not resolve',
};

/** What went wrong and what to do, in one line. node-postgres puts no passwords into its messages. */
export function describeFailure(error: unknown): string {
  const known = advice[codeOf(error)];
  const said = describeThrown(error);
  return known === undefined ? said : `${said} (${known})`;
}

/** True when the same work may well succeed on another connection or a little later, and nothing was done wrong by the caller. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  if (/^(08|57P0|53|58)/.test(code) || code === '25P03') return true;
  if (code === '40001' || code === '40P01' || code === '55P03') return true;
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH'].includes(code)) return true;
  return /connection terminated|timeout exceeded|connection timeout|query read timeout/i.test(describeThrown(error));
}

/** The connection is of no use any more: it broke, or the server went silent on it. */
export function isCutOff(error: unknown): boolean {
  if (['ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(codeOf(error))) return true;
  return /connection terminated|query read timeout/i.test(describeThrown(error));
}

/** A serialization failure or a deadlock: the transaction was rolled back, and is repeated. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

/** Gives every failure of `work` the code of the port it serves; coded errors pass as they are. */
export async function guarded<Result>(
  code: GenieErrorCode,
  what: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (GenieError.isInstance(error) || (error as Error | null)?.name === 'AbortError') throw error;
    throw new GenieError(code, `Postgres: cannot ${what}: ${describeFailure(error)}.`, {
      cause: error,
      details: { what, sqlState: codeOf(error) },
    });
  }
}
