/** A copy being made. */
export interface CopyProgress {
  readonly files: number;
  readonly bytes: number;
}

/** An isolated copy of a folder. */
export interface FolderCopy {
  readonly id: string;
  /** Absolute path of the copy. */
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Links that would lead out of the copy, sockets and the like: left out, by relative path. */
  readonly skipped: readonly string[];
  readonly tookMs: number;
}

export interface CreateCopyRequest {
  /** Letters, digits, dashes and underscores; the name of the copy. */
  readonly id: string;
  /** The folder to copy. It is only read. */
  readonly from: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface FolderSandboxCapabilities {
  /** Copies share blocks with the original where the file system can, so that size does not matter. */
  readonly sharesBlocks: boolean;
}

/**
 * Where experiments get their isolated folders. Called by experiments only. Errors by code: `GENIE_EXPERIMENT_COPY` (the copy could not
 * be made; nothing is left of it), `GENIE_EXPERIMENT_ID` (a name that is no name, or that is taken).
 */
export interface FolderSandbox {
  readonly capabilities: FolderSandboxCapabilities;
  /** Copies a folder. Whatever happens in the copy changes nothing in the original, and no link in it leads out. */
  create(request: CreateCopyRequest): Promise<FolderCopy>;
  /** Finished copies only, by name. */
  list(): Promise<
    readonly { readonly id: string; readonly folder: string /** Epoch ms. */; readonly createdAt: number }[]
  >;
  /** True when there was one. Removes nothing else. */
  remove(id: string): Promise<boolean>;
}
