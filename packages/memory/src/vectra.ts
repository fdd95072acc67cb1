export type { VectraIndex, VectraStoreOptions } from './lib/vectors/vectra-store.ts';
export { openVectraStore } from './lib/vectors/vectra-store.ts';
