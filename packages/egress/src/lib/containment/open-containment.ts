import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { ContainmentPort, EgressContext } from '@genie/core/ports';
import type { Egress } from '../create-egress.ts';
import { EgressError } from '../egress-error.ts';
import type { Admission } from '../gate.ts';
import { parseIpv4 } from '../policy/address.ts';
import { goneSignal } from '../proxy/handle-request.ts';
import type { ProxyCore } from '../proxy/proxy-core.ts';
import { createProxyCore, createProxyServer } from '../proxy/start-proxy.ts';
import { type InnerHttp, spliceAdmitted } from '../tunnel/handle-connect.ts';
import { type HeldBytes, holdBytes } from '../tunnel/hold-bytes.ts';
import { peek } from '../tunnel/peek.ts';
import { maxHelloBytes, vetTls } from '../tunnel/vet-hello.ts';
import { createFakeNames, type FakeNames } from './fake-names.ts';
import { openHolder } from './holder.ts';

export interface ContainmentOptions {
  /** Written to approvals and the audit log for everything that comes out of the namespace. */
  readonly context?: EgressContext | (() => EgressContext);
  /** What programs inside will ask for names. Default: the name servers of `/etc/resolv.conf`. */
  readonly nameservers?: readonly string[];
  /** Default 5,000. */
  readonly timeoutMs?: number;
  /** Connections at one time to each of the three listeners. Default 2,000: commands must not use up the files of this process. */
  readonly maxConnections?: number;
  /** Who runs the commands, when that is not the user of this process: a namespace can be entered only by the user who made it. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A network namespace whose only way out is the filter. */
export interface Containment extends ContainmentPort {
  /** The process that holds the namespace. */
  readonly pid: number;
}

/**
 * Opens a namespace with one listener set for one genie. Who a connection belongs to is known by the listener it came
 * through, so there is no password to steal. While it is open, `egress.grade` is `contained`. Linux only; rejects with
 * `GENIE_EGRESS_CONTAINMENT`. Commands inside may also be wrapped in a sandbox that takes their capabilities away.
 */
export async function openContainment(egress: Egress, options: ContainmentOptions = {}): Promise<Containment> {
  const nameservers = options.nameservers ?? (await systemNameservers());
  const holder = await openHolder({ nameservers, timeoutMs: options.timeoutMs ?? 5_000, user: options.user });
  const core = createProxyCore(egress, options.context === undefined ? {} : { context: options.context });
  const proxy = createProxyServer(core);
  const names = createFakeNames();
  for (const listener of Object.values(holder.listeners)) listener.maxConnections = options.maxConnections ?? 2_000;
  const track = (accept: (socket: Socket) => void) => (socket: Socket) => {
    core.connections.add(socket);
    socket.on('error', () => socket.destroy());
    accept(socket);
  };
  holder.listeners.proxy.on('connection', (socket: Socket) => {
    proxy.server.emit('connection', socket);
    socket.resume();
  });
  holder.listeners.http.on(
    'connection',
    track((socket) => acceptHttp(core, proxy.acceptHttp, names, socket)),
  );
  holder.listeners.https.on(
    'connection',
    track((socket) => void acceptTls(core, names, socket)),
  );
  holder.dns.on('message', (query, from) => {
    const answer = names.answer(query);
    if (answer !== undefined) holder.dns.send(answer, from.port, from.address, () => undefined);
  });
  holder.dns.on('error', () => undefined);
  const lower = egress.raiseGrade('contained');
  let isOpen = true;
  const end = (): void => {
    isOpen = false;
    lower();
    core.connections.destroyAll();
    proxy.server.close();
    proxy.inner.close();
    core.pool.destroy();
  };
  holder.onDeath(end);
  return {
    pid: holder.pid,
    enter: ['nsenter', `--target=${holder.pid}`, '--user', '--net', '--preserve-credentials', '--'],
    environment: proxyEnvironment('http://127.0.0.1:3128'),
    grade: 'contained',
    get isOpen() {
      return isOpen;
    },
    async close() {
      if (isOpen) end();
      await holder.close();
    },
  };
}

/** Port 80 of a fake address: each request is judged, and its Host must be the name that the address was given out for. */
function acceptHttp(core: ProxyCore, accept: InnerHttp, names: FakeNames, client: Socket): void {
  const name = names.nameOf(client.localAddress ?? '');
  if (name === undefined) {
    client.destroy();
    return;
  }
  accept(client, Buffer.alloc(0), { exit: transparentExit(core, name, 80) });
}

/** Port 443 of a fake address: the client hello must ask for the name that the address was given out for. */
async function acceptTls(core: ProxyCore, names: FakeNames, client: Socket): Promise<void> {
  const name = names.nameOf(client.localAddress ?? '');
  if (name === undefined) {
    client.destroy();
    return;
  }
  const exit = transparentExit(core, name, 443);
  let admission: Admission | undefined;
  let isVetted = false;
  try {
    const first = await peek(client, Buffer.alloc(0), {
      timeoutMs: core.times.headersTimeoutMs,
      deadlines: core.deadlines,
      maxBytes: maxHelloBytes,
      rules: core.gate.rules,
    });
    if (first.kind !== 'tls') throw new EgressError('tunnel-protocol', 'port 443 is for TLS');
    const vetted = vetTls(first, { kind: 'name', name }, core.gate.rules);
    isVetted = true;
    // What follows the hello waits in the connection until there is somewhere to send it.
    client.pause();
    let held: HeldBytes | undefined;
    admission = await core.gate.admit({
      ...exit,
      signal() {
        held = holdBytes(client, Buffer.alloc(0));
        return goneSignal(client);
      },
    });
    const later = held?.release();
    if (later !== undefined && later.length > 0) client.unshift(later);
    const upstream = await core.gate.open({ host: admission.host, port: 443 });
    if (client.destroyed) {
      upstream.destroy();
      core.gate.close(admission, { bytesUp: 0, bytesDown: 0, reason: 'closed' });
    } else spliceAdmitted(core, { client, upstream, admission, ...vetted });
  } catch (error) {
    if (admission !== undefined) core.gate.close(admission, { bytesUp: 0, bytesDown: 0 });
    if (error instanceof EgressError && (!isVetted || admission !== undefined)) core.gate.refuse(exit, error);
    client.destroy();
  }
}

function transparentExit(core: ProxyCore, hostText: string, port: number) {
  return {
    destination: { scheme: 'tunnel', hostText, port, method: 'CONNECT' },
    form: 'transparent',
    context: core.context,
  } as const;
}

function proxyEnvironment(url: string): Readonly<Record<string, string>> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  return {
    ...Object.fromEntries(names.map((name) => [name, url])),
    NO_PROXY: '',
    no_proxy: '',
    NODE_USE_ENV_PROXY: '1',
  };
}

async function systemNameservers(): Promise<readonly string[]> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const found = text.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  return found.filter((address) => parseIpv4(address) !== undefined && !address.startsWith('127.'));
}
