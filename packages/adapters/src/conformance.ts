export type { ConformanceReport, ConformanceResult, ConformanceSetup, ConformanceSuite } from '@genie/core/conformance';
export { runConformance } from '@genie/core/conformance';
export type { ObjectStoreSetup } from './lib/object-store-suite.ts';
export { objectStoreSuite } from './lib/object-store-suite.ts';
