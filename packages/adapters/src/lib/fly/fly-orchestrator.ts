import { GenieError } from '@genie/core/errors';
import { containerExists, unknownContainer, unsupported, wrongState } from '../orchestrator/container-errors.ts';
import { genieHome } from '../orchestrator/genie-home.ts';
import type {
  ContainerInfo,
  ContainerSpec,
  Orchestrator,
  OrchestratorCapabilities,
} from '../orchestrator/orchestrator.ts';
import { isContainerName, readSpec } from '../orchestrator/read-spec.ts';
import { createFlyClient, type FlyConnection, flyStatus } from './fly-client.ts';
import { type FlyDeps, machinesOf } from './fly-deps.ts';
import { followMachines } from './fly-events.ts';
import {
  type FlyMachine,
  type FlyVolume,
  longestName,
  machineConfig,
  metadataNames,
  toContainerInfo,
  volumeName,
} from './fly-machine.ts';
import { ask, openFlySession } from './fly-session.ts';

export interface FlyOrchestratorOptions extends FlyConnection {
  /** Image of machines whose specification names none. */
  readonly image: string;
  /** Whose machines these are; letters, digits and dashes. Default `genie`. */
  readonly owner?: string;
  /** Where machines and volumes are made. Default: the nearest. */
  readonly region?: string;
  /** Size of a genie's volume. Default 1. */
  readonly volumeGb?: number;
  /** How often events are asked for; the API does not tell by itself. Default 1,000. */
  readonly pollMs?: number;
}

const capabilities: OrchestratorCapabilities = {
  name: 'fly',
  // A machine reaches the internet by itself; Fly offers no way to forbid it.
  grade: 'proxy',
  pause: true,
  terminal: false,
  logs: false,
  stats: false,
  health: false,
  events: true,
  limits: false,
  isolates: false,
  archivesStopped: false,
  doesNotStop: [
    'connections that ignore the proxy: a machine has its own way to the internet and to the private network of its organisation',
    'root inside of the machine: the image decides who runs there',
  ],
};

/**
 * Genies as machines of Fly.io, by its REST API: one machine and one volume a genie, changed under a lease. A machine is a virtual machine of
 * its own, with a network of its own that this adapter cannot close. Rejects with the codes of {@link Orchestrator}.
 */
export async function createFlyOrchestrator(options: FlyOrchestratorOptions): Promise<Orchestrator> {
  const owner = options.owner ?? 'genie';
  if (!isContainerName(owner))
    throw new GenieError('GENIE_CONTAINER_SPEC', `Owner ${JSON.stringify(owner)} is no usable name.`);
  const place = { owner, image: options.image, region: options.region, volumeGb: options.volumeGb ?? 1 };
  const deps: FlyDeps = { client: createFlyClient(options), place, pollMs: options.pollMs ?? 1_000 };
  await deps.client.call({ method: 'GET', path: '/machines?summary=true' });
  return fromDeps(deps);
}

function fromDeps(deps: FlyDeps): Orchestrator {
  const { client } = deps;
  const change = (name: string, act: string, body?: object) =>
    withMachine(deps, name, (machine, nonce) =>
      client.call({ method: 'POST', path: `/machines/${machine.id}/${act}`, nonce, ...(body ? { body } : {}) }),
    );
  return {
    capabilities,
    create: async (spec, options) => create(deps, readSpec(spec), options?.signal),
    async start(name) {
      const { state } = await find(deps, name);
      if (state === 'started' || state === 'starting') return;
      if (state === 'suspended') throw wrongState(name, 'paused', 'unpaused');
      await change(name, 'start');
      await waitFor(deps, name, 'started');
    },
    async stop(name, { graceMs = 10_000 } = {}) {
      const { state } = await find(deps, name);
      if (state === 'stopped' || state === 'created') return;
      if (state === 'suspended') {
        await change(name, 'start');
        await waitFor(deps, name, 'started');
      }
      await change(name, 'stop', { signal: 'SIGTERM', timeout: `${graceMs}ms` });
      await waitFor(deps, name, 'stopped', graceMs);
    },
    async pause(name) {
      const { state } = await find(deps, name);
      if (state === 'suspended') return;
      if (state !== 'started') throw wrongState(name, state, 'running');
      await change(name, 'suspend');
      await waitFor(deps, name, 'suspended');
    },
    async unpause(name) {
      const { state } = await find(deps, name);
      if (state === 'started') return;
      if (state !== 'suspended') throw wrongState(name, state, 'paused');
      await change(name, 'start');
      await waitFor(deps, name, 'started');
    },
    destroy: (name, options) =>
      isContainerName(name) ? destroy(deps, name, options?.keepVolume === true) : Promise.resolve(false),
    inspect: async (name) =>
      isContainerName(name) ? (await list(deps)).find((info) => info.name === name) : undefined,
    list: () => list(deps),
    async exec(name, options) {
      const machine = await find(deps, name);
      if (machine.state !== 'started') throw wrongState(name, machine.state, 'running');
      if (options.terminal) throw unsupported('fly', 'terminal over its REST API; use "fly ssh console"');
      options.signal?.throwIfAborted();
      return openFlySession({ client, machineId: machine.id, options, timeoutSeconds: 60 });
    },
    // biome-ignore lint/correctness/useYield: there is nothing to give.
    async *logs() {
      throw unsupported('fly', 'logs over its REST API; use "fly logs"');
    },
    stats: () => Promise.reject(unsupported('fly', 'figures over its REST API')),
    archiveVolume: (name) => archive(deps, name),
    events: ({ signal }) => followMachines(deps, signal),
    close: async () => undefined,
  };
}

async function volumes({ client, place }: FlyDeps): Promise<readonly FlyVolume[]> {
  const all = await client.call<readonly FlyVolume[]>({ method: 'GET', path: '/volumes' });
  return all.filter(
    ({ name, state }) =>
      name.startsWith(volumeName(place.owner, '')) && state !== 'destroyed' && state !== 'pending_destroy',
  );
}

async function find(deps: FlyDeps, name: string): Promise<FlyMachine> {
  const found = isContainerName(name)
    ? (await machinesOf(deps)).find(({ config }) => config?.metadata?.[metadataNames.name] === name)
    : undefined;
  if (!found) throw unknownContainer(name);
  return found;
}

/** The name is unique in the app, which makes one of several creators win; the volume of a loser goes. */
async function create(deps: FlyDeps, spec: ContainerSpec, signal: AbortSignal | undefined): Promise<ContainerInfo> {
  signal?.throwIfAborted();
  if (spec.mounts?.length) throw unsupported('fly', 'mounts of host folders');
  const { client, place } = deps;
  if ((await machinesOf(deps)).some(({ config }) => config?.metadata?.[metadataNames.name] === spec.name))
    throw containerExists(spec.name);
  const region = place.region ? { region: place.region } : {};
  if (spec.name.length > longestName) {
    throw new GenieError(
      'GENIE_CONTAINER_SPEC',
      `The container cannot be made: name: Fly takes ${longestName} characters at most.`,
    );
  }
  const wanted = volumeName(place.owner, spec.name);
  const kept = (await volumes(deps)).find(({ name, attached_machine_id: machine }) => name === wanted && !machine);
  const body = { name: wanted, size_gb: place.volumeGb, encrypted: true, ...region };
  const volume = kept ?? (await client.call<FlyVolume>({ method: 'POST', path: '/volumes', body, signal }));
  try {
    const machine = await client.call<FlyMachine>({
      method: 'POST',
      path: '/machines',
      body: {
        name: `${place.owner}-${spec.name}`,
        skip_launch: true,
        config: machineConfig(spec, place, volume.id),
        ...region,
      },
      signal,
    });
    return toContainerInfo(machine, spec.name);
  } catch (error) {
    if (!kept) await client.call({ method: 'DELETE', path: `/volumes/${volume.id}` }).catch(() => undefined);
    if (flyStatus(error) === 409 || flyStatus(error) === 422) throw containerExists(spec.name);
    throw error;
  }
}

/** Changes a machine while nobody else may: under a lease, waited for when another one has it. */
async function withMachine(
  deps: FlyDeps,
  name: string,
  work: (machine: FlyMachine, nonce: string) => Promise<unknown>,
): Promise<void> {
  const { client } = deps;
  const machine = await find(deps, name);
  const path = `/machines/${machine.id}/lease`;
  const nonce = await takeLease(deps, path);
  try {
    await work(machine, nonce);
  } finally {
    await client.call({ method: 'DELETE', path, nonce }).catch(() => undefined);
  }
}

async function takeLease({ client }: FlyDeps, path: string): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { data } = await client.call<{ readonly data: { readonly nonce: string } }>({
        method: 'POST',
        path,
        body: { ttl: 30, description: 'genie' },
      });
      return data.nonce;
    } catch (error) {
      if (flyStatus(error) !== 409 || tries >= 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 50));
    }
  }
}

/** Waits in short turns: a program that ends at once never looks started again. */
async function waitFor(deps: FlyDeps, name: string, state: string, extraMs = 0): Promise<void> {
  const machine = await find(deps, name);
  const instance = state === 'stopped' && machine.instance_id ? `&instance_id=${machine.instance_id}` : '';
  const path = `/machines/${machine.id}/wait?state=${state}&timeout=2${instance}`;
  const deadline = performance.now() + 30_000 + extraMs;
  for (;;) {
    try {
      await deps.client.call({ method: 'GET', path, isWait: true });
      return;
    } catch (error) {
      const { state: now } = await find(deps, name);
      if (now === state || (state === 'started' && now === 'stopped')) return;
      if (flyStatus(error) !== 408 || performance.now() > deadline) throw error;
    }
  }
}

async function destroy(deps: FlyDeps, name: string, keepVolume: boolean): Promise<boolean> {
  const { client, place } = deps;
  const machine = (await machinesOf(deps)).find(({ config }) => config?.metadata?.[metadataNames.name] === name);
  if (machine) await unlessGone(client.call({ method: 'DELETE', path: `/machines/${machine.id}?force=true` }));
  if (keepVolume) return machine !== undefined;
  const wanted = volumeName(place.owner, name);
  const kept = (await volumes(deps)).filter(({ name: one }) => one === wanted);
  for (const { id } of kept) await unlessGone(client.call({ method: 'DELETE', path: `/volumes/${id}` }));
  return machine !== undefined || kept.length > 0;
}

async function list(deps: FlyDeps): Promise<readonly ContainerInfo[]> {
  const [found, kept] = await Promise.all([machinesOf(deps), volumes(deps)]);
  const infos = found.flatMap((machine) => {
    const name = machine.config?.metadata?.[metadataNames.name];
    return name === undefined ? [] : [toContainerInfo(machine, name)];
  });
  const known = new Set(infos.map(({ name }) => volumeName(deps.place.owner, name)));
  const left = kept
    .filter(({ name }) => !known.has(name))
    .map(({ name }): ContainerInfo => {
      const own = name.slice(volumeName(deps.place.owner, '').length).replaceAll('_', '-');
      return { name: own, id: '', state: 'volume-only', health: 'none', labels: {} };
    });
  return [...infos, ...left].sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (flyStatus(error) !== 404) throw error;
  }
}

/** The API gives text, so the archive comes in base64, piece by piece, from a machine that runs. */
async function* archive(deps: FlyDeps, name: string): AsyncGenerator<Uint8Array> {
  const machine = await find(deps, name);
  const exec = { client: deps.client, machineId: machine.id, timeoutSeconds: 60 };
  if (machine.state !== 'started') throw wrongState(name, machine.state, 'running');
  const file = `/tmp/genie-archive-${crypto.randomUUID()}`;
  const size = Number(
    await ask(exec, ['/bin/sh', '-c', `tar -C / -cf ${file} "\${1#/}" && wc -c < ${file}`, 'archive', genieHome]),
  );
  const pieceBytes = 512 * 1024;
  try {
    for (let piece = 0; piece * pieceBytes < size; piece += 1) {
      const text = await ask(exec, [
        '/bin/sh',
        '-c',
        `dd if=${file} bs=${pieceBytes} skip=${piece} count=1 2>/dev/null | base64`,
      ]);
      yield Buffer.from(text, 'base64');
    }
  } finally {
    await ask(exec, ['/bin/rm', '-f', file]).catch(() => undefined);
  }
}
