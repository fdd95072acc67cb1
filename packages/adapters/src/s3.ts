export type { PresignedRequest, PresignRequest } from './lib/s3/presign.ts';
export type { S3ClientOptions, S3Sender } from './lib/s3/s3-client.ts';
export type { S3Lifecycle, S3Objects, S3ObjectsOptions } from './lib/s3/s3-objects.ts';
export { createS3Objects } from './lib/s3/s3-objects.ts';
