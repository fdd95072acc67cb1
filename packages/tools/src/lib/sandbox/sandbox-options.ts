import type { EgressGrade } from '@genie/core';
import type { SandboxUser } from './sandbox-user.ts';

/** The way out of a sandbox, as the egress package gives it: a network namespace whose only listener is the filter. */
export interface SandboxNetwork {
  /** Command put in front of the sandbox that joins the namespace, e.g. `nsenter --user=… --net=… --preserve-credentials`. */
  readonly enter: readonly [string, ...string[]];
  /** Proxy variables for programs inside. */
  readonly environment: Readonly<Record<string, string>>;
  readonly grade: EgressGrade;
}

export interface SandboxOptions {
  /** The one folder a command may write to; it appears as `/workspace`. Absolute, and never a folder of the system. */
  readonly workspace: string;
  /** Without one a command has no network at all. */
  readonly network?: SandboxNetwork;
  /** More folders of the host that may be read, at the same path. */
  readonly readOnly?: readonly string[];
  /** Who commands run as when the runtime is root. Default the owner of the workspace, else 65532:65532. */
  readonly runAs?: SandboxUser;
  /** Size of `/tmp` and of shared memory, each. Default 64 MiB. */
  readonly temporaryBytes?: number;
  /** Limit memory by a control group where one can be made. Default true; false leaves it to watching. */
  readonly controlGroups?: boolean;
  /** The bwrap program. Default `/usr/bin/bwrap`, then `/usr/local/bin/bwrap`. */
  readonly program?: string;
}
