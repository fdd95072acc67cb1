export type { UsearchStoreOptions } from './lib/vectors/usearch-store.ts';
export { openUsearchStore } from './lib/vectors/usearch-store.ts';
