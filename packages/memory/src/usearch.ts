export type { Graph, UsearchStoreOptions } from './lib/vectors/usearch-store.ts';
export { openUsearchStore } from './lib/vectors/usearch-store.ts';
