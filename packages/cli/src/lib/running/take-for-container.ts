import { hostname } from 'node:os';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';
import { homeFolders } from '@genie/core/home';
import { type Lease, readLeaseHolder, takeLease } from '@genie/core/journal';

/**
 * Takes a home for the container that is going to run in it, until `release`. The genie inside takes the home itself; this keeps a second command of
 * this machine from removing that container. Throws `GENIE_HOME_IN_USE`. A holder that crashed is succeeded.
 */
export function takeForContainer(home: string): Lease {
  const holder = readLeaseHolder(homeFolders(home).journal);
  if (holder?.host === hostname())
    throw new GenieError(
      'GENIE_HOME_IN_USE',
      `${home} is in use by process ${holder.pid} on ${holder.host}. Stop it first.`,
    );
  return takeLease(join(home, 'container'), Date.now());
}
