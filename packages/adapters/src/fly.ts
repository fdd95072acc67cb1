export type { FlyConnection } from './lib/fly/fly-client.ts';
export type { FlyOrchestratorOptions } from './lib/fly/fly-orchestrator.ts';
export { createFlyOrchestrator } from './lib/fly/fly-orchestrator.ts';
