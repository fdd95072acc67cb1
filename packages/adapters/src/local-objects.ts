export type { ExpireOptions } from './lib/expire-objects.ts';
export { expireObjects } from './lib/expire-objects.ts';
export type { LocalObjectsOptions } from './lib/local-objects.ts';
export { createLocalObjects } from './lib/local-objects.ts';
