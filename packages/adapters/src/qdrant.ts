export type { QdrantOptions } from './lib/qdrant/qdrant-store.ts';
export { openQdrantStore } from './lib/qdrant/qdrant-store.ts';
