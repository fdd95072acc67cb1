import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { egressSocketName } from './door.ts';

/** A folder that is mounted into a container, with the socket where an egress proxy listens. */
export interface EgressFolder {
  /** For `ContainerSpec.egress`. */
  readonly folder: string;
  /** For `startProxy(egress, { socket })`. */
  readonly socket: string;
  /** To be called when the proxy listens: lets the user inside connect. Others on the host cannot reach the folder. */
  share(): Promise<void>;
}

/** Makes the folder below `dir`, which only this user may enter. A socket of a proxy that died is removed. */
export async function prepareEgressFolder(dir: string): Promise<EgressFolder> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const folder = join(dir, 'door');
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const socket = join(folder, egressSocketName);
  await rm(socket, { force: true });
  return { folder, socket, share: () => chmod(socket, 0o666) };
}
