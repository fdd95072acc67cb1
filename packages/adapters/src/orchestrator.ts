export type {
  ContainerManager,
  ContainerManagerOptions,
  WokenContainer,
} from './lib/orchestrator/container-manager.ts';
export { createContainerManager } from './lib/orchestrator/container-manager.ts';
export type {
  ContainerEvent,
  ContainerEventType,
  ContainerHealth,
  ContainerInfo,
  ContainerLimits,
  ContainerMount,
  ContainerOutput,
  ContainerSession,
  ContainerSpec,
  ContainerState,
  ContainerStats,
  ExecOptions,
  Orchestrator,
  OrchestratorCapabilities,
} from './lib/orchestrator/orchestrator.ts';
export type { ContainerJob, JobOutcome } from './lib/orchestrator/run-job.ts';
export { runContainerJob } from './lib/orchestrator/run-job.ts';
