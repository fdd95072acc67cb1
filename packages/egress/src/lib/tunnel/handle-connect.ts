import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { maskAuthority } from '../audit/mask.ts';
import { EgressError } from '../egress-error.ts';
import type { Admission, Exit } from '../gate.ts';
import { refuseOnSocket } from '../proxy/answer.ts';
import { byteLimitsOf } from '../proxy/byte-limits.ts';
import { goneSignal } from '../proxy/handle-request.ts';
import type { ProxyCore } from '../proxy/proxy-core.ts';
import { parseAuthority } from '../proxy/request-form.ts';
import { checkWire, readWireFacts } from '../proxy/wire-check.ts';
import { type HeldBytes, holdBytes } from './hold-bytes.ts';
import { peek } from './peek.ts';
import { splice } from './splice.ts';
import { maxHelloBytes, vetTls } from './vet-hello.ts';
import type { HelloWatch } from './watch-hellos.ts';

/** Where a tunnel turns out to carry HTTP. */
export type InnerHttp = (client: Duplex, bytes: Buffer, tunnel: TunnelSource) => void;

/** What requests inside a connection belong to: its destination, and the permission it has as a whole, if any. */
export interface TunnelSource {
  readonly exit: Exit;
  readonly admission?: Admission;
}

/** `CONNECT host:port`: admitted, dialled, answered, and then looked into before the first byte goes on. */
export async function handleConnect(
  core: ProxyCore,
  innerHttp: InnerHttp,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  let exit: Exit | undefined;
  let admission: Admission | undefined;
  let upstream: Socket | undefined;
  client.on('error', () => client.destroy());
  let held: HeldBytes | undefined;
  try {
    core.authenticate(request);
    // While the user is asked, what the asker sends is kept within bounds, and its leaving is noticed.
    exit = readExit(core, request, () => {
      held = holdBytes(client, head);
      return goneSignal(client);
    });
    const asked = core.gate.admit(exit);
    admission = asked instanceof Promise ? await asked : asked;
    const bytes = held?.release() ?? head;
    upstream = await core.gate.open({ host: admission.host, port: exit.destination.port });
    if (client.destroyed) throw new EgressError('closed', 'the asker left');
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    await openTunnel(core, innerHttp, { client, upstream, admission, bytes });
  } catch (error) {
    upstream?.destroy();
    recordFailure(core, request, { exit, admission }, error);
    if (upstream === undefined) refuseOnSocket(client, error);
    else client.destroy();
  }
}

interface OpenTunnel {
  readonly client: Duplex;
  readonly upstream: Socket;
  readonly admission: Admission;
  readonly bytes: Buffer;
  readonly watch?: HelloWatch | undefined;
}

async function openTunnel(core: ProxyCore, innerHttp: InnerHttp, tunnel: OpenTunnel): Promise<void> {
  const { client, upstream, admission } = tunnel;
  const { gate, times, pool } = core;
  // A server that hangs up while we look is the end of the tunnel.
  const onEarlyEnd = (): void => void client.destroy();
  upstream.once('close', onEarlyEnd).on('error', onEarlyEnd);
  const first = await peek(client, tunnel.bytes, {
    timeoutMs: times.headersTimeoutMs,
    deadlines: core.deadlines,
    maxBytes: maxHelloBytes,
    rules: gate.rules,
  });
  upstream.removeListener('close', onEarlyEnd);
  if (first.kind === 'http') {
    pool.offer({ host: admission.host, port: admission.exit.destination.port }, upstream);
    client.once(
      'close',
      gate.watch(admission, () => client.destroy()),
    );
    innerHttp(client, first.bytes, { exit: admission.exit, admission });
    return;
  }
  const vetted = first.kind === 'tls' ? vetTls(first, admission.host, gate.rules) : { bytes: first.bytes };
  spliceAdmitted(core, { client, upstream, admission, ...vetted });
}

/** Joins an admitted and vetted pair, keeps the limits of its entry, and cuts it when its grant ends. */
export function spliceAdmitted(core: ProxyCore, { client, upstream, admission, bytes, watch }: OpenTunnel): void {
  const { gate } = core;
  let unwatch = (): void => undefined;
  const cut = splice(client, upstream, {
    bytes,
    watch,
    ...byteLimitsOf(gate, admission),
    onClose({ up, down, failure }) {
      unwatch();
      // What was hidden behind an allowed name is worth more than a line at the end.
      if (failure?.reason === 'tunnel-name') gate.refuse(admission.exit, failure);
      const reason = failure === undefined ? {} : { reason: failure.reason };
      gate.close(admission, { bytesUp: up, bytesDown: down, ...reason });
    },
  });
  unwatch = gate.watch(admission, cut);
}

function readExit(core: ProxyCore, request: IncomingMessage, signal: () => AbortSignal): Exit {
  const authority = parseAuthority(request.url ?? '');
  if (authority === undefined) throw new EgressError('request-form', 'CONNECT needs "host:port" and nothing else');
  const facts = readWireFacts(request.rawHeaders);
  if (core.gate.rules('wire:framing') && facts.lengths.length + facts.encodings.length > 0) {
    throw new EgressError('request-smuggling', 'the request is refused: CONNECT with a body');
  }
  checkWire(request, facts, core.gate.rules);
  return {
    destination: { scheme: 'tunnel', hostText: authority.hostText, port: authority.port, method: 'CONNECT' },
    form: 'connect',
    context: core.context,
    signal,
  };
}

interface Progress {
  readonly exit: Exit | undefined;
  readonly admission: Admission | undefined;
}

/** Refusals of the gate are written down by the gate; here it is what came before and after it. */
function recordFailure(core: ProxyCore, request: IncomingMessage, { exit, admission }: Progress, error: unknown): void {
  const reason = error instanceof EgressError ? error.reason : 'unreachable';
  if (admission !== undefined) core.gate.close(admission, { bytesUp: 0, bytesDown: 0, reason });
  if (!(error instanceof EgressError) || (exit !== undefined && admission === undefined)) return;
  const hostText = maskAuthority(request.url ?? '');
  const destination = { scheme: 'tunnel', hostText, port: 0, method: 'CONNECT' } as const;
  core.gate.refuse(exit ?? { destination, form: 'connect', context: core.context }, error);
}
