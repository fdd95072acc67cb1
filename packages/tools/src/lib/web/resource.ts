/** What was fetched. */
export interface Resource {
  /** Address after redirects. */
  readonly url: string;
  /** Lower-case media type without parameters, `''` when the server said none. */
  readonly contentType: string;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Epoch ms of `Last-Modified`, when sent and readable. */
  readonly lastModified?: number;
}
