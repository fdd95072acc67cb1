export type { SandboxSetup } from './lib/conformance/sandbox-conformance.ts';
export { sandboxConformance } from './lib/conformance/sandbox-conformance.ts';
