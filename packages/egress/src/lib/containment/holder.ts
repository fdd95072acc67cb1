import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server } from 'node:net';
import { GenieError } from '@genie/core/errors';

/** What the namespace's listeners are for. */
export type ListenerName = 'proxy' | 'http' | 'https';

/** A network namespace with nothing in it but our listeners, and the process that keeps it. */
export interface Holder {
  readonly pid: number;
  readonly listeners: Readonly<Record<ListenerName, Server>>;
  readonly dns: DatagramSocket;
  /** Called when the holder dies before it is closed. */
  onDeath(callback: () => void): void;
  close(): Promise<void>;
}

export interface HolderOptions {
  /** Name servers that programs in the namespace will ask; each gets a listener of ours. */
  readonly nameservers: readonly string[];
  readonly timeoutMs: number;
  /** Who owns the namespace; only the same user can enter it. Default ourselves. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

// The namespace starts with a loopback that is down. The whole fake range is made local, so every address in it reaches our
// listeners. A small Node process opens them and hands them over; after that only the shell stays, waiting for its input to
// end, which also happens when we are killed.
const shellScript = `
ip link set lo up && ip addr add 198.18.0.0/15 dev lo || exit 71
node=$1; code=$2; shift 2
for address in "$@"; do ip addr add "$address/32" dev lo 2>/dev/null; done
"$node" -e "$code" || exit 72
exec 3>&-
read -r _
`;

const nodeScript = `
const net = require('node:net');
const dgram = require('node:dgram');
const wanted = [['proxy', 3128], ['http', 80], ['https', 443]];
const fail = (error) => { process.send({ problem: error.message }, () => process.exit(1)); };
for (const [name, port] of wanted) {
  const server = net.createServer({ pauseOnConnect: true });
  server.on('error', fail);
  server.listen({ port, host: '0.0.0.0', exclusive: true, backlog: 511 }, () => process.send({ name }, server));
}
const dns = dgram.createSocket('udp4');
dns.on('error', fail);
dns.bind({ port: 53, address: '0.0.0.0', exclusive: true }, () => process.send({ name: 'dns' }, dns));
process.on('message', () => process.exit(0));
`;

/**
 * Makes a namespace without root, iptables or routes. Rejects with `GENIE_EGRESS_CONTAINMENT` and says what is missing.
 */
export function openHolder(options: HolderOptions): Promise<Holder> {
  const child = spawn(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--net',
      '--',
      'sh',
      '-c',
      shellScript,
      'sh',
      process.execPath,
      nodeScript,
      ...options.nameservers,
    ],
    {
      stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
      cwd: '/',
      // Nothing of our environment, in which keys are, gets near the commands.
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      ...options.user,
    },
  );
  return new Promise((resolve, reject) => {
    const found = new Map<string, Server | DatagramSocket>();
    let complaints = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(0, 2_000);
    });
    const timer = setTimeout(() => fail(`nothing happened within ${options.timeoutMs} ms`), options.timeoutMs);
    const fail = (why: string): void => {
      clearTimeout(timer);
      for (const listener of found.values()) listener.close();
      child.kill('SIGKILL');
      const message = `no network namespace: ${why.trim()}. Unprivileged user namespaces, unshare and ip (iproute2) are needed`;
      reject(new GenieError('GENIE_EGRESS_CONTAINMENT', message));
    };
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(complaints || `the holder ended with ${code}`));
    child.on('message', (message: { readonly name?: string; readonly problem?: string }, handle: unknown) => {
      if (message.problem !== undefined) return fail(message.problem);
      found.set(message.name ?? '', handle as Server | DatagramSocket);
      if (found.size < 4) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      child.send('done');
      resolve(toHolder(child, found));
    });
  });
}

function toHolder(child: ChildProcess, found: ReadonlyMap<string, unknown>): Holder {
  const listeners = {
    proxy: found.get('proxy') as Server,
    http: found.get('http') as Server,
    https: found.get('https') as Server,
  };
  const dns = found.get('dns') as DatagramSocket;
  let isClosing = false;
  let onDeath = (): void => undefined;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void gone.then(() => {
    if (!isClosing) onDeath();
  });
  child.stderr?.destroy();
  // Its life is ours: a genie with nothing left to do may end while the namespace is open.
  child.unref();
  child.channel?.unref();
  return {
    pid: child.pid ?? 0,
    listeners,
    dns,
    onDeath(callback) {
      onDeath = callback;
    },
    async close() {
      if (isClosing) return;
      isClosing = true;
      child.ref();
      for (const server of Object.values(listeners)) server.close();
      dns.close();
      child.stdin?.end();
      child.kill('SIGKILL');
      await gone;
    },
  };
}
