import { createHash } from 'node:crypto';
import { genieHome } from '../orchestrator/genie-home.ts';
import type { ContainerInfo, ContainerSpec, ContainerState } from '../orchestrator/orchestrator.ts';

/** The fields of a machine that are used (Machines API, "Machine"). */
export interface FlyMachine {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly instance_id?: string;
  readonly config?: {
    readonly metadata?: Readonly<Record<string, string>>;
    readonly mounts?: readonly { readonly volume: string }[];
    readonly env?: Readonly<Record<string, string>>;
  };
  readonly checks?: readonly { readonly status: string }[];
  readonly events?: readonly FlyEvent[];
}

export interface FlyEvent {
  readonly id: string;
  /** `launch`, `start`, `exit`, `suspend`, `resume`, `destroy` … */
  readonly type: string;
  readonly status: string;
  /** Epoch ms. */
  readonly timestamp: number;
  readonly request?: {
    readonly exit_event?: {
      readonly exit_code?: number;
      readonly oom_killed?: boolean;
      readonly requested_stop?: boolean;
    };
  };
}

export interface FlyVolume {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly attached_machine_id?: string | null;
}

export const metadataNames = { owner: 'genie_owner', name: 'genie_name', labels: 'genie_labels' } as const;

export interface FlyPlace {
  readonly owner: string;
  readonly image: string;
  readonly region: string | undefined;
  readonly volumeGb: number;
}

/** Names of volumes take 30 letters, digits and underscores, so the owner is in them as a hash. */
export function volumeName(owner: string, name: string): string {
  const hash = createHash('sha256').update(owner).digest('hex').slice(0, 7);
  return `g${hash}_${name.replaceAll('-', '_')}`;
}

export const longestName = 21;

export function machineConfig(spec: ContainerSpec, place: FlyPlace, volume: string): object {
  const { limits = {}, health } = spec;
  return {
    image: spec.image ?? place.image,
    init: { exec: [...spec.command] },
    env: { HOME: genieHome, TMPDIR: '/tmp', ...spec.environment },
    guest: {
      cpu_kind: 'shared',
      cpus: Math.max(1, Math.ceil(limits.cpus ?? 1)),
      // The unit of Fly is 256 MB.
      memory_mb: Math.ceil((limits.memoryBytes ?? 512 * 2 ** 20) / 2 ** 28) * 256,
    },
    mounts: [{ volume, path: genieHome }],
    metadata: {
      [metadataNames.owner]: place.owner,
      [metadataNames.name]: spec.name,
      [metadataNames.labels]: JSON.stringify(spec.labels ?? {}),
    },
    restart: { policy: 'no' },
    auto_destroy: false,
    ...(health
      ? {
          checks: {
            genie: {
              type: 'exec',
              command: [...health.command],
              interval: `${health.intervalMs}ms`,
              retries: health.retries ?? 3,
            },
          },
        }
      : {}),
  };
}

const states: Readonly<Record<string, ContainerState>> = {
  created: 'created',
  starting: 'running',
  started: 'running',
  replacing: 'running',
  suspending: 'running',
  stopping: 'running',
  suspended: 'paused',
  stopped: 'stopped',
  failed: 'stopped',
};

export function toContainerInfo(machine: FlyMachine, name: string): ContainerInfo {
  const state = states[machine.state] ?? 'stopped';
  const exit = machine.events?.find(({ type }) => type === 'exit')?.request?.exit_event;
  return {
    name,
    id: machine.id,
    state,
    health: 'none',
    labels: JSON.parse(machine.config?.metadata?.[metadataNames.labels] ?? '{}') as Record<string, string>,
    ...(state === 'stopped' ? { exitCode: exit?.exit_code ?? 137, outOfMemory: exit?.oom_killed ?? false } : {}),
  };
}
