import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { containerExists, unknownContainer, wrongState } from '../orchestrator/container-errors.ts';
import type { ContainerInfo, ContainerSpec, Orchestrator } from '../orchestrator/orchestrator.ts';
import { isContainerName, readSpec } from '../orchestrator/read-spec.ts';
import { connectDocker, type DockerConnection } from './connect-docker.ts';
import {
  type ContainerPlace,
  containerName,
  containerSettings,
  containerUser,
  labelNames,
} from './container-settings.ts';
import { createDockerCall, type DockerCall, statusOf } from './docker-call.ts';
import { dockerCapabilities } from './docker-capabilities.ts';
import { asReadable, type DockerContainer, type DockerInspection } from './docker-client.ts';
import type { DockerDeps } from './docker-deps.ts';
import { readEvents } from './docker-events.ts';
import { openSession } from './docker-session.ts';
import { readStats } from './docker-stats.ts';
import { readFrames } from './read-frames.ts';

export interface DockerOrchestratorOptions extends DockerConnection {
  /** Image of containers whose specification names none; made by `buildGenieImage`. */
  readonly image: string;
  /** Whose containers these are: others are not seen. Default `genie`. */
  readonly owner?: string;
  /** Who runs inside, never root. Default `65532:65532`. */
  readonly user?: string;
  /** Size of `/tmp`. Default 64 MiB. */
  readonly temporaryBytes?: number;
  /** A seccomp profile as JSON instead of Docker's own. */
  readonly seccomp?: string;
  /** Longest time for one call of the daemon. Default 30,000. */
  readonly timeoutMs?: number;
}

/**
 * Genies in Docker containers: not root, read-only root, no capabilities, no new privileges, limits of memory, CPU and processes, no
 * network. The only way out is the socket of the egress proxy, where the specification names one. One volume a genie.
 *
 * Rejects with `GENIE_ADAPTER_PEER` and with the codes of {@link Orchestrator}.
 */
export async function createDockerOrchestrator(options: DockerOrchestratorOptions): Promise<Orchestrator> {
  const client = await connectDocker(options);
  const where = `Docker at ${options.host ?? options.socketPath ?? 'its usual socket'}`;
  const place: ContainerPlace = {
    owner: options.owner ?? 'genie',
    image: options.image,
    user: options.user ?? containerUser,
    temporaryBytes: options.temporaryBytes ?? 64 * 2 ** 20,
    seccomp: options.seccomp,
  };
  const deps: DockerDeps = { client, call: createDockerCall(where, options.timeoutMs ?? 30_000), place, where };
  await deps.call({ what: 'Asking Docker' }, () => client.ping());
  return fromDeps(deps);
}

function fromDeps(deps: DockerDeps): Orchestrator {
  const { client, call, place } = deps;
  const find = (name: string): DockerContainer => {
    if (!isContainerName(name)) throw unknownContainer(name);
    return client.getContainer(containerName(place.owner, name));
  };
  return {
    capabilities: dockerCapabilities,
    create: async (spec, options) => create(deps, readSpec(spec), options?.signal),
    async start(name) {
      const container = find(name);
      const { State } = await call({ what: `Looking at ${name}`, name }, () => container.inspect());
      if (State.Status === 'running') return;
      if (State.Status === 'paused') throw wrongState(name, 'paused', 'unpaused');
      await unlessDone(call({ what: `Starting ${name}`, name }, () => container.start()));
    },
    stop: async (name, { graceMs = 10_000 } = {}) => stop(deps, find(name), { name, graceMs }),
    async pause(name) {
      const container = find(name);
      const done = await call({ what: `Pausing ${name}`, name }, () => container.pause()).catch(
        (error: unknown) => error,
      );
      if (done instanceof Error) await settleState(deps, { name, wanted: 'paused', from: 'running', error: done });
    },
    async unpause(name) {
      const container = find(name);
      const done = await call({ what: `Unpausing ${name}`, name }, () => container.unpause()).catch(
        (error: unknown) => error,
      );
      if (done instanceof Error) await settleState(deps, { name, wanted: 'running', from: 'paused', error: done });
    },
    destroy: (name, options = {}) => (isContainerName(name) ? destroy(deps, name, options) : Promise.resolve(false)),
    inspect: (name) => (isContainerName(name) ? inspect(deps, name) : Promise.resolve(undefined)),
    list: () => list(deps),
    exec: async (name, options) => openSession(deps, { name, container: find(name), options }),
    async *logs(name, { tailLines } = {}) {
      const container = find(name);
      const options = {
        follow: false,
        stdout: true,
        stderr: true,
        ...(tailLines === undefined ? {} : { tail: tailLines }),
      } as const;
      const answer = await call({ what: `Reading the log of ${name}`, name }, () => container.logs(options));
      const { Readable } = await import('node:stream');
      yield* readFrames(Buffer.isBuffer(answer) ? Readable.from([answer]) : asReadable(answer));
    },
    stats: async (name) => readStats(deps, find(name), name),
    async *archiveVolume(name) {
      const { genieHome } = await import('../orchestrator/genie-home.ts');
      const container = find(name);
      const archive = await call({ what: `Archiving ${name}`, name }, () => container.getArchive({ path: genieHome }));
      for await (const chunk of asReadable(archive)) yield chunk as Uint8Array;
    },
    events: ({ signal }) => readEvents(deps, signal),
    close: async () => undefined,
  };
}

async function create(deps: DockerDeps, spec: ContainerSpec, signal: AbortSignal | undefined): Promise<ContainerInfo> {
  signal?.throwIfAborted();
  const { client, call, place } = deps;
  const making = randomUUID();
  const settings = containerSettings(spec, place, making);
  try {
    await call({ what: `Creating ${spec.name}` }, () =>
      client.createContainer({ ...settings, ...(signal ? { abortSignal: signal } : {}) }),
    );
  } catch (error) {
    if (statusOf(error) === 409) throw containerExists(spec.name);
    // The daemon may have made it although the call was given up: what nobody waits for must not stay.
    if (signal?.aborted) await removeUnwanted(deps, spec.name, making).catch(() => undefined);
    throw error;
  }
  const info = await inspect(deps, spec.name);
  if (!info) throw unknownContainer(spec.name);
  return info;
}

/** Only what this very call made: the name may be that of an older container. */
async function removeUnwanted(deps: DockerDeps, name: string, making: string): Promise<void> {
  const found = await deps.client.getContainer(containerName(deps.place.owner, name)).inspect();
  if (found.Config.Labels[labelNames.making] === making) await destroy(deps, name, { keepVolume: true });
}

async function stop(
  deps: DockerDeps,
  container: DockerContainer,
  { name, graceMs }: { readonly name: string; readonly graceMs: number },
): Promise<void> {
  const { call } = deps;
  const { State } = await call({ what: `Looking at ${name}`, name }, () => container.inspect());
  if (State.Status === 'created' || State.Status === 'exited' || State.Status === 'dead') return;
  // A frozen program cannot hear that it should end.
  if (State.Status === 'paused') await unlessDone(call({ what: `Unpausing ${name}`, name }, () => container.unpause()));
  const seconds = Math.ceil(graceMs / 1000);
  await unlessDone(
    call({ what: `Stopping ${name}`, name, extraMs: seconds * 1000 }, () => container.stop({ t: seconds })),
  );
}

/** A pause or unpause that was refused: fine when the state is reached anyway, else an error that names the state. */
async function settleState(
  deps: DockerDeps,
  task: { readonly name: string; readonly wanted: string; readonly from: string; readonly error: Error },
): Promise<void> {
  const { name, wanted, from, error } = task;
  if (statusOf(error) !== 409 && statusOf(error) !== 500) throw error;
  const info = await inspect(deps, name);
  if (!info || info.state === 'volume-only') throw unknownContainer(name);
  if (info.state !== wanted) throw wrongState(name, info.state, from);
}

/** Removing is finished when nothing is left: also what a killed manager or another one began. */
async function destroy(deps: DockerDeps, name: string, options: { readonly keepVolume?: boolean }): Promise<boolean> {
  const { client, call, place } = deps;
  const full = containerName(place.owner, name);
  const removed = await gone(() => client.getContainer(full).remove({ force: true, v: true }), {
    call,
    what: `Removing ${name}`,
  });
  if (options.keepVolume) return removed;
  const volume = await gone(() => client.getVolume(full).remove(), { call, what: `Removing the volume of ${name}` });
  return removed || volume;
}

async function gone(
  remove: () => Promise<unknown>,
  { call, what }: { readonly call: DockerCall; readonly what: string },
): Promise<boolean> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await call({ what }, remove);
      return true;
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) return false;
      // 409: a removal is under way, or the volume is still held by a container that goes.
      if ((status !== 409 && status !== 500) || attempt >= 50) throw error;
      await sleep(50);
    }
  }
}

async function inspect(deps: DockerDeps, name: string): Promise<ContainerInfo | undefined> {
  const { client, call, place } = deps;
  try {
    const found = await call({ what: `Looking at ${name}`, name }, () =>
      client.getContainer(containerName(place.owner, name)).inspect(),
    );
    return found.Config.Labels[labelNames.owner] === place.owner ? toInfo(found, name) : undefined;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  const kept = await volumeNames(deps);
  return kept.includes(name) ? volumeOnly(name) : undefined;
}

async function list(deps: DockerDeps): Promise<readonly ContainerInfo[]> {
  const { client, call, place } = deps;
  const filters = JSON.stringify({ label: [`${labelNames.owner}=${place.owner}`] });
  const [containers, volumes] = await Promise.all([
    call({ what: 'Listing containers' }, () => client.listContainers({ all: true, filters })),
    volumeNames(deps),
  ]);
  const names = containers.flatMap(({ Labels }) => Labels[labelNames.name] ?? []);
  const infos = await Promise.all(names.map((name) => inspect(deps, name)));
  const found = infos.filter((info) => info !== undefined);
  const left = volumes.filter((name) => !names.includes(name)).map(volumeOnly);
  return [...found, ...left].sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function volumeNames({ client, call, place }: DockerDeps): Promise<string[]> {
  const filters = JSON.stringify({ label: [`${labelNames.owner}=${place.owner}`] });
  const { Volumes } = await call({ what: 'Listing volumes' }, () => client.listVolumes({ filters }));
  return (Volumes ?? []).flatMap(({ Labels }) => Labels?.[labelNames.name] ?? []);
}

function volumeOnly(name: string): ContainerInfo {
  return { name, id: '', state: 'volume-only', health: 'none', labels: {} };
}

function toInfo({ Id, State, Config }: DockerInspection, name: string): ContainerInfo {
  const state =
    State.Status === 'created' || State.Status === 'running' || State.Status === 'paused' ? State.Status : 'stopped';
  const health = State.Health?.Status;
  return {
    name,
    id: Id,
    state,
    health: health === 'starting' || health === 'healthy' || health === 'unhealthy' ? health : 'none',
    labels: JSON.parse(Config.Labels[labelNames.spec] ?? '{}') as Record<string, string>,
    ...(state === 'stopped' ? { exitCode: State.ExitCode, outOfMemory: State.OOMKilled } : {}),
  };
}

/** 304: it was so already. */
async function unlessDone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (statusOf(error) !== 304) throw error;
  }
}
