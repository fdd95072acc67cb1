import type { Postgres, PostgresGenie } from '@genie/adapters/postgres';
import type { ErrorRecord } from '@genie/core/errors';
import type { Clock } from '@genie/core/ports';
import { usageError } from '../cli/usage-error.ts';

export interface OpenStoreOptions {
  /** `postgres://…`, or undefined for the files of the home. */
  readonly url: string | undefined;
  readonly genieId: string;
  readonly clock?: Clock;
  readonly onWarning?: (warning: ErrorRecord) => void;
}

/** What a genie keeps elsewhere than in its home. */
export interface OpenStore extends PostgresGenie {
  readonly postgres: Postgres;
  close(): Promise<void>;
}

/** Opens the database that `--store` names. Throws `GENIE_CLI_USAGE` for a URL of another kind, and the codes of `openPostgres`. */
export async function openStore({ url, genieId, clock, onWarning }: OpenStoreOptions): Promise<OpenStore | undefined> {
  if (url === undefined) return undefined;
  if (!/^postgres(?:ql)?:\/\//.test(url)) throw usageError('--store takes a URL that begins with postgres://');
  const { openPostgres } = await import('@genie/adapters/postgres');
  const postgres = await openPostgres({ url, ...(clock ? { clock } : {}), ...(onWarning ? { onWarning } : {}) });
  return { ...postgres.genie(genieId), postgres, close: () => postgres.close() };
}
