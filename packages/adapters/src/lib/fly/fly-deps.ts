import type { FlyClient } from './fly-client.ts';
import { type FlyMachine, type FlyPlace, metadataNames } from './fly-machine.ts';

/** What the parts of the orchestrator share. */
export interface FlyDeps {
  readonly client: FlyClient;
  readonly place: FlyPlace;
  readonly pollMs: number;
}

/** The machines of this owner that are not gone. */
export async function machinesOf({ client, place }: FlyDeps): Promise<readonly FlyMachine[]> {
  const path = `/machines?metadata.${metadataNames.owner}=${place.owner}`;
  const all = await client.call<readonly FlyMachine[]>({ method: 'GET', path });
  return all.filter(
    ({ config, state }) =>
      config?.metadata?.[metadataNames.owner] === place.owner && state !== 'destroyed' && state !== 'destroying',
  );
}
