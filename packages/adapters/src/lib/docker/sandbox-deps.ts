import type { DockerConnection } from './connect-docker.ts';
import type { ContainerPlace } from './container-settings.ts';
import type { DockerCall } from './docker-call.ts';
import type { DockerClient } from './docker-client.ts';

export interface DockerSandboxOptions extends DockerConnection {
  /** The image that has the programs; a user and the folder `/workspace` are all it needs besides. */
  readonly image: string;
  /** The one folder of the host that a command may write to; it appears as `/workspace`. Absolute. */
  readonly workspace: string;
  /** Folder with the socket of an egress proxy, see `prepareEgressFolder`. Without it there is no network at all. */
  readonly egress?: string;
  /** More folders of the host that may be read, at the same path. */
  readonly readOnly?: readonly string[];
  /** `uid:gid`, never root. Default the owner of the workspace, and `65532:65532` when that is root. */
  readonly user?: string;
  /** Size of `/tmp`. Default 64 MiB. */
  readonly temporaryBytes?: number;
  /** Whose commands these are. Default `genie`. */
  readonly owner?: string;
  /** Longest time for one call of the daemon. Default 30,000. */
  readonly timeoutMs?: number;
}

/** What the parts of the sandbox share. */
export interface SandboxDeps {
  readonly client: DockerClient;
  readonly call: DockerCall;
  readonly place: ContainerPlace;
  readonly options: DockerSandboxOptions;
  /** Takes over work that need not be waited for but has to be finished before the sandbox is closed. */
  leave(work: Promise<unknown>): void;
}
