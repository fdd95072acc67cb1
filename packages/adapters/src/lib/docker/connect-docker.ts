import { loadPeer } from '../load-peer.ts';
import type { DockerClient } from './docker-client.ts';

export interface DockerConnection {
  /** An instance of dockerode, or of anything with the same methods. */
  readonly client?: DockerClient;
  /** Default `/var/run/docker.sock` (`//./pipe/docker_engine` on Windows). */
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
}

/** Gives the client, loading dockerode when none was passed. Rejects with `GENIE_ADAPTER_PEER`. */
export async function connectDocker(options: DockerConnection): Promise<DockerClient> {
  if (options.client) return options.client;
  const { default: Docker } = await loadPeer('dockerode', '5', () => import('dockerode'));
  const { socketPath, host, port } = options;
  const where =
    host === undefined ? (socketPath === undefined ? undefined : { socketPath }) : { host, ...(port ? { port } : {}) };
  // dockerode's declarations are wider and partly older than what the daemon takes; the tests run every call that is made.
  return new Docker(where) as unknown as DockerClient;
}
