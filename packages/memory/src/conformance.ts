export type { RecordStoreSetup } from './lib/conformance/record-store-suite.ts';
export { recordStoreSuite } from './lib/conformance/record-store-suite.ts';
export { sampleRecord } from './lib/conformance/sample-record.ts';
export type { VectorStoreSetup } from './lib/conformance/vector-store-suite.ts';
export { suiteDimension, vectorStoreSuite } from './lib/conformance/vector-store-suite.ts';
