export type { PluginSetup } from './lib/conformance/plugin-conformance.ts';
export { pluginConformance } from './lib/conformance/plugin-conformance.ts';
export type { SandboxSetup } from './lib/conformance/sandbox-conformance.ts';
export { sandboxConformance } from './lib/conformance/sandbox-conformance.ts';
