import { genieHome } from '../orchestrator/genie-home.ts';
import type { ContainerSpec } from '../orchestrator/orchestrator.ts';
import type { DockerCreate, DockerHostConfig, DockerMount } from './docker-client.ts';
import { doorEnvironment, doorFolder, throughDoor } from './door.ts';

export const labelNames = {
  owner: 'genie.owner',
  name: 'genie.name',
  spec: 'genie.labels',
  making: 'genie.making',
} as const;

/** Nobody on the host. The image makes the home and the workspace theirs. */
export const containerUser = '65532:65532';

export interface ContainerPlace {
  readonly owner: string;
  readonly image: string;
  readonly user: string;
  /** Megabytes of the volume are not limited by Docker; this limits `/tmp`. */
  readonly temporaryBytes: number;
  /** A seccomp profile as JSON, or undefined for Docker's own. */
  readonly seccomp: string | undefined;
}

/** What Docker is told; `making` names this one try. Everything is locked: what a genie needs is opened one by one. */
export function containerSettings(spec: ContainerSpec, place: ContainerPlace, making: string): DockerCreate {
  const { health } = spec;
  const environment = { HOME: genieHome, TMPDIR: '/tmp', ...(spec.egress ? doorEnvironment : {}), ...spec.environment };
  return {
    name: containerName(place.owner, spec.name),
    Image: spec.image ?? place.image,
    Cmd: spec.egress ? throughDoor(spec.command) : [...spec.command],
    Env: environmentList(environment),
    User: place.user,
    WorkingDir: spec.workingDirectory ?? genieHome,
    // Always the same, so that the lease of a home knows a holder of an earlier life as its own kind.
    Hostname: `genie-${spec.name}`,
    Labels: {
      ...labelsOf(place.owner, spec.name),
      [labelNames.spec]: JSON.stringify(spec.labels ?? {}),
      [labelNames.making]: making,
    },
    ...(health
      ? {
          Healthcheck: {
            Test: ['CMD', ...health.command],
            Interval: Math.max(1, health.intervalMs) * 1_000_000,
            Retries: health.retries ?? 3,
          },
        }
      : {}),
    HostConfig: lockedHost(spec, place),
  };
}

/** What holds for every container of ours, also those of the sandbox. */
export function lockedHost(
  { limits = {}, ...spec }: Pick<ContainerSpec, 'limits' | 'mounts' | 'egress'> & { readonly name?: string },
  place: ContainerPlace,
): DockerHostConfig {
  const memory = limits.memoryBytes ?? 512 * 2 ** 20;
  return {
    Init: true,
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true', ...(place.seccomp === undefined ? [] : [`seccomp=${place.seccomp}`])],
    // No network at all: loopback and nothing else. The way out is a socket in the file system, behind which the proxy listens.
    NetworkMode: 'none',
    IpcMode: 'private',
    Memory: memory,
    MemorySwap: memory,
    NanoCpus: Math.round((limits.cpus ?? 1) * 1e9),
    PidsLimit: limits.maxProcesses ?? 256,
    Ulimits: [
      { Name: 'core', Soft: 0, Hard: 0 },
      { Name: 'nofile', Soft: 4_096, Hard: 4_096 },
    ],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    Mounts: [
      ...(spec.name === undefined ? [] : [homeVolume(place.owner, spec.name)]),
      ...(spec.egress === undefined ? [] : [bind(spec.egress, doorFolder, true)]),
      ...(spec.mounts ?? []).map(({ source, target, readOnly = true }) => bind(source, target, readOnly)),
    ],
    Tmpfs: { '/tmp': `rw,nosuid,nodev,size=${place.temporaryBytes},mode=1777` },
  };
}

export function containerName(owner: string, name: string): string {
  return `${owner}-${name}`;
}

export function labelsOf(owner: string, name: string): Record<string, string> {
  return { [labelNames.owner]: owner, [labelNames.name]: name };
}

export function environmentList(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

function homeVolume(owner: string, name: string): DockerMount {
  return {
    Type: 'volume',
    Source: containerName(owner, name),
    Target: genieHome,
    ReadOnly: false,
    // Copied from the image the first time, which hands the folder to the user inside.
    VolumeOptions: { NoCopy: false, Labels: labelsOf(owner, name), DriverConfig: { Name: 'local', Options: {} } },
  };
}

function bind(source: string, target: string, readOnly: boolean): DockerMount {
  return { Type: 'bind', Source: source, Target: target, ReadOnly: readOnly };
}
