import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { EgressError } from '../egress-error.ts';
import type { Admission } from '../gate.ts';
import type { DenialReason } from '../policy/decision.ts';
import { spliceAdmitted } from '../tunnel/handle-connect.ts';
import { type HeldBytes, holdBytes } from '../tunnel/hold-bytes.ts';
import { endWith, refuseOnSocket } from './answer.ts';
import { byteLimitsOf } from './byte-limits.ts';
import { goneSignal, readWireRequest, refuseWire, type WireRequest } from './handle-request.ts';
import type { ProxyCore } from './proxy-core.ts';
import { endToEndHeaders, readWireFacts } from './wire-check.ts';

/** Where an upgrade is read from: the proxy itself, or a tunnel whose approval may cover it. */
export interface UpgradeSource {
  readonly read: () => WireRequest;
  readonly admit: (wire: WireRequest, signal: () => AbortSignal) => Admission | Promise<Admission>;
}

/** WebSocket by `GET http://host/path` with `Upgrade: websocket` (RFC 6455). Other protocols are refused. */
export function handleUpgrade(core: ProxyCore, request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
  return upgradeFrom(
    core,
    { request, client, head },
    {
      read() {
        core.authenticate(request);
        return readWireRequest(core, request, 'upgrade');
      },
      admit: (wire, signal) => core.gate.admit({ ...wire.exit, signal }),
    },
  );
}

type Arrival = Pick<Switch, 'request' | 'client' | 'head'>;

export async function upgradeFrom(core: ProxyCore, arrival: Arrival, source: UpgradeSource): Promise<void> {
  const { request, client } = arrival;
  client.on('error', () => client.destroy());
  let upstream: Socket | undefined;
  let held: HeldBytes | undefined;
  let admission: Admission | undefined;
  let isRead = false;
  try {
    const wire = source.read();
    if (core.gate.rules('wire:upgrade')) refuseOtherProtocols(request);
    isRead = true;
    // As in a tunnel: an asker that leaves is noticed only while it is listened to.
    admission = await source.admit(wire, () => {
      held = holdBytes(client, arrival.head);
      return goneSignal(client);
    });
    const head = held?.release() ?? arrival.head;
    upstream = await core.gate.open({ host: admission.host, port: wire.exit.destination.port });
    if (client.destroyed) throw new EgressError('closed', 'the asker left');
    switchProtocols(core, { ...arrival, head, upstream, wire, admission });
  } catch (error) {
    if (!isRead) refuseWire(core, request, error);
    if (admission !== undefined) recordFailure(core, admission, error);
    upstream?.destroy();
    refuseOnSocket(client, error);
  }
}

/** Refusals of the gate are written down by the gate; here it is what came after it. */
function recordFailure({ gate }: ProxyCore, admission: Admission, error: unknown): void {
  const reason = error instanceof EgressError ? error.reason : 'unreachable';
  // The name was allowed and its address was not: worth more than a line at the end.
  if (error instanceof EgressError && reason === 'address') gate.refuse(admission.exit, error);
  gate.close(admission, { bytesUp: 0, bytesDown: 0, reason });
}

function refuseOtherProtocols(request: IncomingMessage): void {
  const protocol = request.headers.upgrade ?? '';
  if (protocol.toLowerCase() === 'websocket' && request.method === 'GET') return;
  throw new EgressError('request-form', `an upgrade to ${JSON.stringify(protocol.slice(0, 40))} is not forwarded`);
}

interface Switch {
  readonly request: IncomingMessage;
  readonly client: Duplex;
  readonly head: Buffer;
  readonly upstream: Socket;
  readonly wire: WireRequest;
  readonly admission: Admission;
}

function switchProtocols(core: ProxyCore, work: Switch): void {
  const { request, client, head, upstream, wire, admission } = work;
  const outgoing = httpRequest({
    createConnection: () => upstream,
    method: 'GET',
    path: wire.path,
    headers: upgradeHeaders(core, work),
    setHost: false,
    timeout: core.times.idleTimeoutMs,
  });
  const cut = (): void => {
    upstream.destroy();
    client.destroy();
  };
  const unwatch = core.gate.watch(admission, cut);
  let isAnswered = false;
  const fail = (error: unknown): void => {
    upstream.destroy();
    if (isAnswered) return;
    isAnswered = true;
    unwatch();
    recordFailure(core, admission, error);
    refuseOnSocket(client, error);
  };
  outgoing.on('error', fail);
  outgoing.on('timeout', () => fail(new EgressError('timeout', `${admission.host.name} did not answer in time`)));
  outgoing.on('upgrade', (answer: IncomingMessage, socket: Socket, rest: Buffer) => {
    isAnswered = true;
    unwatch();
    client.write(answerHead(answer));
    if (rest.length > 0) client.write(rest);
    spliceAdmitted(core, { client, upstream: socket, admission, bytes: head });
  });
  outgoing.on('response', (answer: IncomingMessage) => {
    isAnswered = true;
    relayPlain(core, answer, { client, cut, admission, onEnd: unwatch });
  });
  client.once('close', () => outgoing.destroy());
  outgoing.end();
  request.resume();
}

function upgradeHeaders(core: ProxyCore, { request, wire, admission }: Switch): string[] {
  const { port } = wire.exit.destination;
  const kept = endToEndHeaders(request.rawHeaders, wire.facts, core.gate.rules);
  const host = port === 80 ? admission.host.name : `${admission.host.name}:${port}`;
  return ['Host', host, ...kept, 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? 'websocket'];
}

function answerHead(answer: IncomingMessage): string {
  const lines: string[] = [];
  for (let index = 0; index < answer.rawHeaders.length; index += 2)
    lines.push(`${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}\r\n`);
  return `HTTP/1.1 ${answer.statusCode} ${STATUS_CODES[answer.statusCode ?? 0] ?? 'Switching Protocols'}\r\n${lines.join('')}\r\n`;
}

interface PlainAnswer {
  readonly client: Duplex;
  readonly admission: Admission;
  readonly cut: () => void;
  readonly onEnd: () => void;
}

/** A server that says no to the upgrade: its answer goes back within the limits of its entry, and the connection ends. */
function relayPlain(core: ProxyCore, answer: IncomingMessage, { client, admission, cut, onEnd }: PlainAnswer): void {
  const headers = endToEndHeaders(answer.rawHeaders, readWireFacts(answer.rawHeaders), core.gate.rules);
  const lines: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== 'content-length') lines.push(`${headers[index]}: ${headers[index + 1]}\r\n`);
  }
  client.write(
    `HTTP/1.1 ${answer.statusCode} ${STATUS_CODES[answer.statusCode ?? 0] ?? 'Unknown'}\r\n${lines.join('')}Connection: close\r\n\r\n`,
  );
  const { maxBytesDown } = byteLimitsOf(core.gate, admission);
  let bytesDown = 0;
  let failure: { readonly reason: DenialReason } | undefined;
  answer.on('data', (chunk: Buffer) => {
    bytesDown += chunk.length;
    if (bytesDown > maxBytesDown) {
      failure = { reason: 'response-bytes' };
      cut();
    } else if (!client.write(chunk)) answer.pause();
  });
  client.on('drain', () => answer.resume());
  answer.on('end', () => endWith(client, ''));
  answer.on('close', () => {
    onEnd();
    if (!answer.complete) client.destroy();
    core.gate.close(admission, { bytesUp: 0, bytesDown, status: answer.statusCode ?? 0, ...failure });
  });
}
