export type { LocalObjectsOptions } from './lib/local-objects.ts';
export { createLocalObjects } from './lib/local-objects.ts';
