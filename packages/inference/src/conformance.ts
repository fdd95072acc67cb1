export type { ModelScenario, ModelSetup } from './lib/conformance/model-suite.ts';
export { modelSuite, scenarioFacts } from './lib/conformance/model-suite.ts';
