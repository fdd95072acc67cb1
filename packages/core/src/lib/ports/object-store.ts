export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** SHA-256 of the content, hex. */
  readonly sha256: string;
  readonly contentType: string;
  /** Epoch ms. */
  readonly storedAt: number;
}

/**
 * Where artifacts live. Keys are `/`-separated names of letters, digits, dots, dashes and underscores.
 * Errors by code: `GENIE_OBJECT_KEY` (a bad key), `GENIE_OBJECT_CORRUPT` (content does not match its checksum), `GENIE_OBJECT_STORE`.
 */
export interface ObjectStore {
  put(
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { readonly contentType?: string; readonly signal?: AbortSignal },
  ): Promise<ObjectInfo>;
  /** Undefined when there is none. The checksum is verified while reading. */
  get(
    key: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly info: ObjectInfo; readonly content: AsyncIterable<Uint8Array> } | undefined>;
  head(key: string): Promise<ObjectInfo | undefined>;
  /** In key order. */
  list(prefix?: string): AsyncIterable<ObjectInfo>;
  /** True when there was one. */
  delete(key: string): Promise<boolean>;
  close(): Promise<void>;
}
