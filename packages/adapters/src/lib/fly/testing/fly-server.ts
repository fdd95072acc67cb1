import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalProcessOrchestrator, localHome } from '../../local-process/local-process-orchestrator.ts';
import type { Orchestrator } from '../../orchestrator/orchestrator.ts';
import { say } from '../../orchestrator/orchestrator-setup.ts';
import type { FlyEvent } from '../fly-machine.ts';

export interface FlyServer {
  readonly origin: string;
  readonly app: string;
  readonly token: string;
  /** Answers these instead of working, first to last, each once; `on` names the call it waits for. */
  readonly failures: { readonly status: number; readonly retryAfterSeconds?: number; readonly on?: string }[];
  /** Answers nothing any more. */
  isSilent: boolean;
  /** Calls that came so far, as `METHOD /path`. */
  readonly calls: string[];
  /** Names of volumes that there are. */
  volumeNames(): readonly string[];
  close(): Promise<void>;
}

interface Machine {
  readonly id: string;
  readonly name: string;
  readonly config: {
    readonly env: Record<string, string>;
    readonly init: { readonly exec: [string, ...string[]] };
    readonly mounts: readonly { readonly volume: string }[];
    readonly metadata: Record<string, string>;
  };
  instance: number;
  state: string;
  readonly events: FlyEvent[];
  lease?: { readonly nonce: string; readonly until: number } | undefined;
}

interface Volume {
  readonly id: string;
  readonly name: string;
  state: string;
  attached_machine_id: string | null;
}

interface World {
  readonly server: FlyServer;
  readonly orchestrator: Orchestrator;
  readonly machines: Map<string, Machine>;
  readonly volumes: Map<string, Volume>;
  readonly dir: string;
  counter: number;
}

interface Call {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly nonce: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/**
 * Speaks the Machines API as its public description has it, with machines that are processes of this machine. A machine's home is a folder,
 * so `$HOME` is where the real one has `/genie`.
 */
export async function startFlyServer(dir: string): Promise<FlyServer> {
  const http = createServer(
    (request, response) =>
      void respond(world, request, response).catch((error: unknown) => response.writeHead(500).end(String(error))),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const orchestrator = createLocalProcessOrchestrator({ dir, owner: 'fly' });
  const server: FlyServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    app: 'genie-test',
    token: 'FlyV1 test',
    failures: [],
    calls: [],
    isSilent: false,
    volumeNames: () => [...world.volumes.values()].map(({ name }) => name),
    async close() {
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
      for (const { name } of await orchestrator.list()) await orchestrator.destroy(name);
      await orchestrator.close();
    },
  };
  const world: World = { server, orchestrator, machines: new Map(), volumes: new Map(), dir, counter: 0 };
  return server;
}

async function respond(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { server } = world;
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const url = new URL(request.url ?? '/', server.origin);
  server.calls.push(`${request.method} ${url.pathname}`);
  if (server.isSilent) return;
  const send = ({ status, body }: Answer, headers: Record<string, string> = {}) =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(body === undefined ? '' : JSON.stringify(body));
  const isDue =
    !server.failures[0]?.on ||
    server.failures[0].on === `${request.method} /${url.pathname.split('/').slice(4).join('/')}`;
  const failure = isDue ? server.failures.shift() : undefined;
  if (failure)
    return void send(
      { status: failure.status, body: { error: 'as the test asked' } },
      failure.retryAfterSeconds ? { 'retry-after': String(failure.retryAfterSeconds) } : {},
    );
  if (request.headers.authorization !== `Bearer ${server.token}`)
    return void send({ status: 401, body: { error: 'unauthorized' } });
  const path = url.pathname.split('/').slice(1);
  if (path[0] !== 'v1' || path[1] !== 'apps' || path[2] !== server.app)
    return void send({ status: 404, body: { error: 'app not found' } });
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  const nonce = request.headers['fly-machine-lease-nonce']?.toString();
  const call: Call = { method: request.method ?? 'GET', path: path.slice(3), query: url.searchParams, body, nonce };
  send(await (call.path[0] === 'volumes' ? handleVolumes(world, call) : handleMachines(world, call)));
}

async function handleVolumes(world: World, { method, path, body }: Call): Promise<Answer> {
  const { volumes } = world;
  if (method === 'GET') return { status: 200, body: [...volumes.values()] };
  if (method === 'POST') {
    const name = String(body.name);
    if (!/^[a-z0-9_]{1,30}$/.test(name)) return { status: 400, body: { error: 'name must be 1-30 of a-z, 0-9 and _' } };
    const volume: Volume = { id: `vol_${++world.counter}`, name, state: 'created', attached_machine_id: null };
    volumes.set(volume.id, volume);
    return { status: 200, body: volume };
  }
  const volume = volumes.get(path[1] ?? '');
  if (!volume) return { status: 404, body: { error: 'volume not found' } };
  if (volume.attached_machine_id) return { status: 412, body: { error: 'volume is attached' } };
  volumes.delete(volume.id);
  await world.orchestrator.destroy(local(volume.id));
  return { status: 200, body: volume };
}

const local = (volumeId: string) => volumeId.replaceAll('_', '-');

async function handleMachines(world: World, call: Call): Promise<Answer> {
  const { machines } = world;
  const [, id, act] = call.path;
  for (const machine of machines.values()) await refresh(world, machine);
  if (id === undefined)
    return call.method === 'POST' ? create(world, call) : { status: 200, body: listed(world, call.query) };
  const machine = machines.get(id);
  if (!machine) return { status: 404, body: { error: 'machine not found' } };
  if (act === 'lease') return handleLease(machine, call);
  if (act === 'wait') return wait(world, machine, call.query);
  if (act === 'exec') return exec(world, machine, call.body);
  const { lease } = machine;
  if (lease && lease.until > Date.now() && lease.nonce !== call.nonce && call.query.get('force') !== 'true')
    return { status: 409, body: { error: 'machine is leased' } };
  if (call.method === 'DELETE') return destroy(world, machine, call.query);
  if (call.method === 'GET') return { status: 200, body: view(machine) };
  return change(world, machine, act ?? '', call.body);
}

function listed({ machines }: World, query: URLSearchParams): readonly object[] {
  const wanted = [...query].filter(([name]) => name.startsWith('metadata.'));
  return [...machines.values()]
    .filter(({ config }) => wanted.every(([name, value]) => config.metadata[name.slice('metadata.'.length)] === value))
    .map(view);
}

async function create(world: World, { body }: Call): Promise<Answer> {
  const { machines, volumes } = world;
  const name = String(body.name);
  if ([...machines.values()].some((one) => one.name === name))
    return { status: 422, body: { error: 'unprocessable: machine name must be unique' } };
  const config = body.config as Machine['config'];
  const volume = volumes.get(config.mounts[0]?.volume ?? '');
  if (!volume || volume.attached_machine_id) return { status: 422, body: { error: 'volume is not there or in use' } };
  const machine: Machine = { id: `m${++world.counter}`, name, config, instance: 1, state: 'created', events: [] };
  machines.set(machine.id, machine);
  volume.attached_machine_id = machine.id;
  const { HOME: _home, ...environment } = config.env;
  await world.orchestrator.create({ name: local(volume.id), command: config.init.exec, environment });
  note(world, machine, 'launch', 'created');
  return { status: 200, body: view(machine) };
}

/** A program that ended by itself stops its machine. */
async function refresh(world: World, machine: Machine): Promise<void> {
  if (machine.state !== 'started') return;
  const info = await world.orchestrator.inspect(nameOf(machine));
  if (info?.state !== 'stopped' || machine.state !== 'started') return;
  machine.state = 'stopped';
  note(world, machine, 'exit', 'stopped', info.exitCode);
}

const nameOf = (machine: Machine) => local(machine.config.mounts[0]?.volume ?? '');

async function change(world: World, machine: Machine, act: string, body: Record<string, unknown>): Promise<Answer> {
  const { orchestrator } = world;
  const name = nameOf(machine);
  if (act === 'start' && machine.state === 'suspended') {
    await orchestrator.unpause(name);
    note(world, machine, 'resume', 'started');
  } else if (act === 'start') {
    if (machine.state === 'started') return { status: 412, body: { error: 'machine is started' } };
    await orchestrator.start(name);
    machine.instance += 1;
    note(world, machine, 'start', 'started');
  } else if (act === 'suspend') {
    if (machine.state !== 'started') return { status: 412, body: { error: 'machine is not started' } };
    await orchestrator.pause(name);
    note(world, machine, 'suspend', 'suspended');
  } else if (act === 'stop') {
    if (body.signal !== 'SIGTERM') return { status: 400, body: { error: 'unknown signal' } };
    await orchestrator.stop(name, { graceMs: Number.parseInt(String(body.timeout), 10) });
    await refresh(world, machine);
  } else return { status: 404, body: { error: 'no such route' } };
  machine.state = machine.events[0]?.status ?? machine.state;
  return { status: 200, body: { previous_state: 'unknown' } };
}

async function destroy(world: World, machine: Machine, query: URLSearchParams): Promise<Answer> {
  if (machine.state === 'started' && query.get('force') !== 'true')
    return { status: 412, body: { error: 'machine is started' } };
  await world.orchestrator.destroy(nameOf(machine), { keepVolume: true });
  for (const volume of world.volumes.values())
    if (volume.attached_machine_id === machine.id) volume.attached_machine_id = null;
  world.machines.delete(machine.id);
  return { status: 200, body: { ok: true } };
}

function handleLease(machine: Machine, { method, nonce, body }: Call): Answer {
  const isHeld = machine.lease !== undefined && machine.lease.until > Date.now();
  if (method === 'DELETE') {
    if (machine.lease?.nonce === nonce) machine.lease = undefined;
    return { status: 200, body: { status: 'success' } };
  }
  if (isHeld) return { status: 409, body: { status: 'error', message: 'lease currently held' } };
  const lease = { nonce: crypto.randomUUID(), until: Date.now() + Number(body.ttl) * 1000 };
  machine.lease = lease;
  return {
    status: 201,
    body: { status: 'success', data: { nonce: lease.nonce, expires_at: Math.floor(lease.until / 1000) } },
  };
}

async function wait(world: World, machine: Machine, query: URLSearchParams): Promise<Answer> {
  const deadline = Date.now() + Number(query.get('timeout') ?? 60) * 1000;
  while (Date.now() < deadline) {
    await refresh(world, machine);
    if (machine.state === query.get('state')) return { status: 200, body: { ok: true } };
    await sleep(20);
  }
  return { status: 408, body: { error: 'deadline exceeded' } };
}

async function exec(world: World, machine: Machine, body: Record<string, unknown>): Promise<Answer> {
  if (machine.state !== 'started') return { status: 412, body: { error: 'machine is not started' } };
  const home = localHome({ dir: world.dir, owner: 'fly' }, nameOf(machine));
  // The only thing that is not as on a real machine: where the volume is mounted.
  const words = (body.command as readonly string[]).map((word) => (word === '/genie' ? home : word));
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const { stdout, stderr, exitCode } = await say(world.orchestrator, nameOf(machine), quoted, {
    stdin: String(body.stdin ?? ''),
  });
  return { status: 200, body: { stdout, stderr, exit_code: exitCode } };
}

function note(world: World, machine: Machine, type: string, status: string, exitCode?: number): void {
  const request = exitCode === undefined ? {} : { request: { exit_event: { exit_code: exitCode, oom_killed: false } } };
  machine.events.unshift({ id: `e${++world.counter}`, type, status, timestamp: Date.now(), ...request });
}

function view({ id, name, config, instance, state, events }: Machine): object {
  return { id, name, config, state, events, instance_id: String(instance), region: 'lhr', private_ip: 'fdaa::1' };
}
