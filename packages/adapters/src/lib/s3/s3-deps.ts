import type { S3Library, S3Sender } from './s3-client.ts';

/** What the parts of the store share. */
export interface S3Deps {
  readonly library: S3Library;
  readonly client: S3Sender;
  readonly bucket: string;
  /** Ends with `/`, or is empty. */
  readonly prefix: string;
  readonly partBytes: number;
  readonly timeoutMs: number;
  readonly pageKeys: number;
  /** For one call: the caller's signal and the time limit. */
  limit(signal?: AbortSignal): { readonly abortSignal: AbortSignal };
}
