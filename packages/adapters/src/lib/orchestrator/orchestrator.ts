import type { EgressGrade } from '@genie/core/ports';

/** `volume-only`: there is no container, but what it stored was kept. */
export type ContainerState = 'created' | 'running' | 'paused' | 'stopped' | 'volume-only';

export type ContainerHealth = 'none' | 'starting' | 'healthy' | 'unhealthy';

export interface ContainerLimits {
  /** Default 512 MiB; swap is not added to it. */
  readonly memoryBytes?: number;
  /** Cores, fractions allowed. Default 1. */
  readonly cpus?: number;
  /** Processes and threads together. Default 256. */
  readonly maxProcesses?: number;
}

export interface ContainerMount {
  /** Absolute path on the host. */
  readonly source: string;
  /** Absolute path inside. */
  readonly target: string;
  /** Default true. */
  readonly readOnly?: boolean;
}

export interface ContainerSpec {
  /** Lower-case letters, digits and dashes, 40 at most; unique among the containers of one owner. */
  readonly name: string;
  /** Program and arguments; no shell in between. The container is stopped when it ends. */
  readonly command: readonly [string, ...string[]];
  /** Default: the image that the orchestrator was made with. */
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the home of the genie, where its volume is. */
  readonly workingDirectory?: string;
  readonly mounts?: readonly ContainerMount[];
  readonly limits?: ContainerLimits;
  /** Folder on the host with the socket `egress.sock` of an egress proxy. Without it there is no way out at all. */
  readonly egress?: string;
  /** Shown by `list`. Keys and values are kept as they are. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Run inside again and again; exit code 0 is healthy. */
  readonly health?: {
    readonly command: readonly [string, ...string[]];
    readonly intervalMs: number;
    /** Failures in a row until it is unhealthy. Default 3. */
    readonly retries?: number;
  };
}

export interface ContainerInfo {
  readonly name: string;
  /** What the runtime calls it; empty for `volume-only`. */
  readonly id: string;
  readonly state: ContainerState;
  readonly health: ContainerHealth;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the last end; undefined before it, and while it runs. 137 after a kill. */
  readonly exitCode?: number;
  /** Whether the end was caused by the memory limit. */
  readonly outOfMemory?: boolean;
}

export interface ContainerOutput {
  /** With a terminal everything is `stdout`. */
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

export interface ExecOptions {
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Opens a terminal of this size. Needs the capability `terminal`. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
  readonly signal?: AbortSignal;
}

/** A program that runs inside. Its owner closes it. */
export interface ContainerSession {
  /** Ends with the program. To be read once; what is not read holds the program back. */
  readonly output: AsyncIterable<ContainerOutput>;
  readonly ended: Promise<{ readonly exitCode: number | undefined }>;
  write(data: Uint8Array | string): Promise<void>;
  /** Closes standard input. */
  end(): void;
  /** Does nothing without a terminal. */
  resize(columns: number, rows: number): Promise<void>;
  /** Ends the program and everything it started. Idempotent. */
  close(): Promise<void>;
}

export interface ContainerStats {
  readonly memoryBytes: number;
  readonly processes: number;
  /** CPU time since it was started. */
  readonly cpuMs: number;
}

export type ContainerEventType = 'created' | 'started' | 'stopped' | 'paused' | 'unpaused' | 'destroyed';

export interface ContainerEvent {
  readonly type: ContainerEventType;
  readonly name: string;
  /** Epoch ms, by the runtime's clock. */
  readonly at: number;
}

/** What an orchestrator can do and what holds its containers. Read by the runtime and by the conformance suite. */
export interface OrchestratorCapabilities {
  readonly name: string;
  /** How strictly the way out is enforced. */
  readonly grade: EgressGrade;
  readonly pause: boolean;
  readonly terminal: boolean;
  readonly logs: boolean;
  readonly stats: boolean;
  readonly health: boolean;
  readonly events: boolean;
  /** `archiveVolume` works while it is stopped, too. */
  readonly archivesStopped: boolean;
  /** Memory, CPU and process limits hold. */
  readonly limits: boolean;
  /** Not root, no capabilities, read-only root, own files, processes and network. */
  readonly isolates: boolean;
  /** In words, for people. */
  readonly doesNotStop: readonly string[];
}

/**
 * Where genies live. Called by whoever provisions, wakes and watches them. Every method rejects with a `GenieError`:
 * `GENIE_CONTAINER_UNREACHABLE` (the runtime does not answer), `GENIE_CONTAINER_UNKNOWN` (no such container), `GENIE_CONTAINER_STATE`
 * (not possible now), `GENIE_CONTAINER_UNSUPPORTED`, `GENIE_CONTAINER_FAILED` (the runtime refused).
 */
export interface Orchestrator {
  readonly capabilities: OrchestratorCapabilities;
  /**
   * Makes container and volume; starts nothing. A volume that was kept is used again. Rejects with `GENIE_CONTAINER_EXISTS` when the
   * name is taken and `GENIE_CONTAINER_SPEC` for a bad specification.
   */
  create(spec: ContainerSpec, options?: { readonly signal?: AbortSignal }): Promise<ContainerInfo>;
  /** Does nothing when it runs. */
  start(name: string): Promise<void>;
  /** Asks it to end (SIGTERM) and kills it after `graceMs` (default 10,000). Does nothing when it is stopped. */
  stop(name: string, options?: { readonly graceMs?: number }): Promise<void>;
  /** Freezes every process. The fast way to sleep. */
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  /** Removes it, running or not, with its volume unless `keepVolume`. False when there was neither. */
  destroy(name: string, options?: { readonly keepVolume?: boolean }): Promise<boolean>;
  inspect(name: string): Promise<ContainerInfo | undefined>;
  /** All containers and kept volumes of this owner, by name. */
  list(): Promise<readonly ContainerInfo[]>;
  exec(name: string, options: ExecOptions): Promise<ContainerSession>;
  /** What the container's own program printed, oldest first. */
  logs(name: string, options?: { readonly tailLines?: number }): AsyncIterable<ContainerOutput>;
  stats(name: string): Promise<ContainerStats>;
  /** The home as a tar stream; its entries begin with `genie/`. Running, and with `archivesStopped` also when it is not. */
  archiveVolume(name: string): AsyncIterable<Uint8Array>;
  /** From now on, until `signal` aborts. Fails with `GENIE_CONTAINER_UNREACHABLE` when the runtime goes away. */
  events(options: { readonly signal: AbortSignal }): AsyncIterable<ContainerEvent>;
  /** Lets go of the runtime; containers go on. Idempotent. */
  close(): Promise<void>;
}
