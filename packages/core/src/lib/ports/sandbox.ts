export interface SandboxLimits {
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
  readonly maxMemoryBytes?: number;
  readonly maxProcesses?: number;
  readonly maxFileBytes?: number;
}

export interface SandboxCommand {
  /** Program and arguments; no shell in between. */
  readonly command: readonly [string, ...string[]];
  /** Folder inside the workspace. */
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly limits: SandboxLimits;
}

export interface SandboxResult {
  readonly exitCode: number | undefined;
  readonly killedBy?: 'timeout' | 'abort' | 'output' | 'memory' | 'signal';
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly tookMs: number;
}

/** What the active sandbox stops. Printed by `genie doctor`. */
export interface SandboxCapabilities {
  readonly name: string;
  readonly isolatesFiles: boolean;
  readonly isolatesNetwork: boolean;
  readonly isolatesProcesses: boolean;
  readonly limitsMemory: boolean;
  /** In words, for people. */
  readonly doesNotStop: readonly string[];
}

/** Called by the shell tool. Rejects with `GENIE_SANDBOX_UNAVAILABLE` rather than run unconfined. */
export interface SandboxPort {
  readonly capabilities: SandboxCapabilities;
  run(command: SandboxCommand, options?: { readonly signal?: AbortSignal }): Promise<SandboxResult>;
  close(): Promise<void>;
}
