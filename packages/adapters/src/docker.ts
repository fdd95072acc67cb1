export type { GenieImageOptions } from './lib/docker/build-image.ts';
export { buildGenieImage } from './lib/docker/build-image.ts';
export type { DockerConnection } from './lib/docker/connect-docker.ts';
export type {
  DockerAttach,
  DockerBuild,
  DockerClient,
  DockerContainer,
  DockerCreate,
  DockerExec,
  DockerExecCreate,
  DockerHostConfig,
  DockerInspection,
  DockerMount,
} from './lib/docker/docker-client.ts';
export type { DockerOrchestratorOptions } from './lib/docker/docker-orchestrator.ts';
export { createDockerOrchestrator } from './lib/docker/docker-orchestrator.ts';
export { createDockerSandbox } from './lib/docker/docker-sandbox.ts';
export type { EgressFolder } from './lib/docker/egress-folder.ts';
export { prepareEgressFolder } from './lib/docker/egress-folder.ts';
export type { DockerSandboxOptions } from './lib/docker/sandbox-deps.ts';
