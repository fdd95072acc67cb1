import type { S3Client } from '@aws-sdk/client-s3';
import { loadPeer } from '../load-peer.ts';

export type S3Library = typeof import('@aws-sdk/client-s3');

/** The part of the client that is used. An `S3Client` fits. */
export interface S3Sender {
  readonly send: S3Client['send'];
  destroy(): void;
}

export interface S3ClientOptions {
  /** A client of yours; it is not closed. */
  readonly client?: S3Sender;
  readonly region?: string;
  /** Another server than Amazon's, e.g. `http://127.0.0.1:9000`. */
  readonly endpoint?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Buckets as a folder of the path and not as a host name. Default true with an endpoint. */
  readonly forcePathStyle?: boolean;
}

export function loadS3(): Promise<S3Library> {
  return loadPeer('@aws-sdk/client-s3', '3', () => import('@aws-sdk/client-s3'));
}

/**
 * Own checksums are SHA-256 in the metadata, checked by this adapter from end to end. The SDK's additional ones are left out unless the
 * server asks for them: several servers store the encoded form of a stream that carries them.
 */
export function createS3Client({ S3Client }: S3Library, options: S3ClientOptions): S3Sender {
  const { region = 'us-east-1', endpoint, credentials, forcePathStyle = endpoint !== undefined } = options;
  return new S3Client({
    region,
    forcePathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials ? { credentials } : {}),
  });
}
