import type { ContainerPlace } from './container-settings.ts';
import type { DockerCall } from './docker-call.ts';
import type { DockerClient } from './docker-client.ts';

/** What the parts of the orchestrator share. */
export interface DockerDeps {
  readonly client: DockerClient;
  readonly call: DockerCall;
  readonly place: ContainerPlace;
  /** The daemon in words, for errors. */
  readonly where: string;
}
