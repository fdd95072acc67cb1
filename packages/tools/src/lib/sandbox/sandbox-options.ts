import type { ContainmentPort } from '@genie/core';
import type { SandboxUser } from './sandbox-user.ts';

export interface SandboxOptions {
  /** The one folder a command may write to; it appears as `/workspace`. Absolute, and never a folder of the system. */
  readonly workspace: string;
  /** The way out, as the egress package opens it (`openContainment`). Without one a command has no network at all. */
  readonly network?: Pick<ContainmentPort, 'enter' | 'environment' | 'grade'>;
  /** More folders of the host that may be read, at the same path. */
  readonly readOnly?: readonly string[];
  /** Who commands run as when the runtime is root. Default the owner of the workspace, else 65532:65532. */
  readonly runAs?: SandboxUser;
  /** Size of `/tmp`, shared memory included. Default 64 MiB. */
  readonly temporaryBytes?: number;
  /** Limit memory by a control group where one can be made. Default true; false leaves it to watching. */
  readonly controlGroups?: boolean;
  /** The bwrap program. Default `/usr/bin/bwrap`, then `/usr/local/bin/bwrap`. */
  readonly program?: string;
}
