import { wrongState } from '../orchestrator/container-errors.ts';
import type { ContainerStats } from '../orchestrator/orchestrator.ts';
import type { DockerContainer } from './docker-client.ts';
import type { DockerDeps } from './docker-deps.ts';

interface DockerStats {
  readonly pids_stats?: { readonly current?: number };
  readonly memory_stats?: { readonly usage?: number };
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
}

export async function readStats(
  { call }: DockerDeps,
  container: DockerContainer,
  name: string,
): Promise<ContainerStats> {
  const stats = (await call({ what: `Measuring ${name}`, name }, () =>
    container.stats({ stream: false, 'one-shot': true }),
  )) as DockerStats;
  // Docker answers for a container that does not run as well, without figures.
  if (stats.pids_stats?.current === undefined) throw wrongState(name, 'not running', 'running');
  return {
    memoryBytes: stats.memory_stats?.usage ?? 0,
    processes: stats.pids_stats.current,
    cpuMs: (stats.cpu_stats?.cpu_usage?.total_usage ?? 0) / 1e6,
  };
}
