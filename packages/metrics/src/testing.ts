export { createMemoryStore } from './lib/store/memory-store.ts';
export { createTestRun } from './lib/testing/test-run.ts';
