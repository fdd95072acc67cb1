import type { S3Client } from '@aws-sdk/client-s3';
import { GenieError } from '@genie/core/errors';
import { loadPeer } from '../load-peer.ts';
import type { S3Deps } from './s3-deps.ts';
import { checksumName } from './s3-info.ts';

export type PresignRequest =
  | { readonly method: 'GET'; readonly key: string; readonly expiresInSeconds: number }
  | {
      readonly method: 'PUT';
      readonly key: string;
      readonly expiresInSeconds: number;
      /** SHA-256 of what will be sent, hex. It is part of the signature and checked when the object is read. */
      readonly sha256: string;
    };

/** What the holder of a URL sends: the method of the request, these headers and, to write, the content. */
export interface PresignedRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const longestSeconds = 7 * 24 * 3600;

export async function presign(
  deps: S3Deps,
  where: { readonly Bucket: string; readonly Key: string },
  request: PresignRequest,
): Promise<PresignedRequest> {
  const { expiresInSeconds } = request;
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > longestSeconds) {
    throw new GenieError(
      'GENIE_OBJECT_STORE',
      `A URL cannot be valid for ${expiresInSeconds} seconds: pass 1 to ${longestSeconds}.`,
    );
  }
  const { getSignedUrl } = await loadPeer(
    '@aws-sdk/s3-request-presigner',
    '3',
    () => import('@aws-sdk/s3-request-presigner'),
  );
  const { GetObjectCommand, PutObjectCommand } = deps.library;
  // The presigner asks for the whole client; a client of the user's own is one as well.
  const client = deps.client as unknown as S3Client;
  const options = { expiresIn: expiresInSeconds };
  if (request.method === 'GET')
    return { url: await getSignedUrl(client, new GetObjectCommand(where), options), headers: {} };
  const name = `x-amz-meta-${checksumName}`;
  const command = new PutObjectCommand({ ...where, Metadata: { [checksumName]: request.sha256 } });
  // Kept as a header: in the query a server may take it for a part of the address and store the object without it.
  const url = await getSignedUrl(client, command, { ...options, unhoistableHeaders: new Set([name]) });
  return { url, headers: { [name]: request.sha256 } };
}
