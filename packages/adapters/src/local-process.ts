export type { LocalProcessOptions } from './lib/local-process/local-process-orchestrator.ts';
export { createLocalProcessOrchestrator, localHome } from './lib/local-process/local-process-orchestrator.ts';
