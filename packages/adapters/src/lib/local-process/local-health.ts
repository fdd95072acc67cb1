import { execFile } from 'node:child_process';
import type { ContainerHealth, ContainerSpec } from '../orchestrator/orchestrator.ts';
import type { ProcessFolder } from './process-folder.ts';
import { baseEnvironment } from './start-process.ts';

/** Looks at the health of the containers that have a check for it, while they run. */
export interface HealthWatch {
  of(folder: ProcessFolder, spec: ContainerSpec): ContainerHealth;
  forget(name: string): void;
  close(): void;
}

interface Watched {
  health: ContainerHealth;
  failures: number;
  readonly timer: NodeJS.Timeout;
}

export function createHealthWatch(): HealthWatch {
  const watched = new Map<string, Watched>();
  const forget = (name: string) => {
    clearInterval(watched.get(name)?.timer);
    watched.delete(name);
  };
  return {
    of(folder, spec) {
      const { health } = spec;
      if (!health) return 'none';
      const known = watched.get(spec.name);
      if (known) return known.health;
      const one: Watched = {
        health: 'starting',
        failures: 0,
        timer: setInterval(() => {
          if (folder.running()) check(folder, spec, one);
          else forget(spec.name);
        }, health.intervalMs).unref(),
      };
      watched.set(spec.name, one);
      return one.health;
    },
    forget,
    close() {
      for (const name of [...watched.keys()]) forget(name);
    },
  };
}

function check(folder: ProcessFolder, { health, environment }: ContainerSpec, one: Watched): void {
  if (!health) return;
  const [program, ...args] = health.command;
  const options = { cwd: folder.home, env: { ...baseEnvironment(folder.home), ...environment }, timeout: 30_000 };
  execFile(program, args, options, (error) => {
    one.failures = error ? one.failures + 1 : 0;
    if (!error) one.health = 'healthy';
    else if (one.failures >= (health.retries ?? 3)) one.health = 'unhealthy';
  });
}
