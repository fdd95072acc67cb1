export type { GenomeStoreSetup } from './lib/conformance/genome-store-suite.ts';
export { genomeStoreSuite } from './lib/conformance/genome-store-suite.ts';
export type { ModelScenario, ModelSetup } from './lib/conformance/model-suite.ts';
export { modelSuite, scenarioFacts } from './lib/conformance/model-suite.ts';
