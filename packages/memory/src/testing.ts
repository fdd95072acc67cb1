export { openMemoryStore } from './lib/store/open-memory-store.ts';
export { runRecord } from './lib/testing/run-record.ts';
