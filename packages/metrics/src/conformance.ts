export type { FolderSandboxSetup } from './lib/conformance/folder-sandbox-suite.ts';
export { folderSandboxSuite } from './lib/conformance/folder-sandbox-suite.ts';
export type { MetricsStoreSetup } from './lib/conformance/metrics-store-suite.ts';
export { metricsStoreSuite } from './lib/conformance/metrics-store-suite.ts';
