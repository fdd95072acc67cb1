import type { OrchestratorCapabilities } from '../orchestrator/orchestrator.ts';

export const dockerCapabilities: OrchestratorCapabilities = {
  name: 'docker',
  grade: 'contained',
  pause: true,
  terminal: true,
  logs: true,
  stats: true,
  health: true,
  events: true,
  archivesStopped: true,
  limits: true,
  isolates: true,
  doesNotStop: [
    'a fault of the kernel: containers share it with the host',
    'whoever may talk to the Docker daemon: that is as good as being root on its host',
    'a volume that fills the disk: Docker does not limit its size',
  ],
};
