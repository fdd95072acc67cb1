import { GenieError } from '@genie/core/errors';

/**
 * Loads a vendor's package when it is first needed. Throws `GENIE_ADAPTER_PEER` with the command that installs it when it is missing.
 *
 * @param peer name of the package
 * @param version range that works
 */
export async function loadPeer<Module>(peer: string, version: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new GenieError(
      'GENIE_ADAPTER_PEER',
      `This adapter needs the package "${peer}", which is not installed. Install it: npm install ${peer}@${version}`,
      { cause: error, details: { peer, version } },
    );
  }
}
