import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApprovalRequiredError, describeThrown } from '@genie/core/errors';
import { EgressError } from '../egress-error.ts';
import type { DenialReason } from '../policy/decision.ts';

const statusOf: Partial<Record<DenialReason, number>> = {
  'host-grammar': 400,
  'request-form': 400,
  'request-smuggling': 400,
  'host-mismatch': 400,
  authentication: 407,
  rate: 429,
  'too-many-pending': 429,
  'request-bytes': 413,
  'name-not-found': 502,
  resolver: 502,
  unreachable: 502,
  timeout: 504,
  audit: 503,
  closed: 503,
};

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A refusal as an HTTP answer. The reason is a word in `x-genie-egress`, the message a line of text. */
function toRefusal(error: unknown): Refusal {
  const reason =
    error instanceof EgressError
      ? error.reason
      : ApprovalRequiredError.isInstance(error)
        ? 'approval-pending'
        : 'unreachable';
  const body = `${describeThrown(error)}\n`;
  return {
    status: statusOf[reason] ?? (error instanceof EgressError || reason === 'approval-pending' ? 403 : 502),
    body,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
      'x-genie-egress': reason,
      ...(ApprovalRequiredError.isInstance(error) ? { 'x-genie-approval': error.approvalIds.join(',') } : {}),
      ...(reason === 'authentication' ? { 'proxy-authenticate': 'Basic realm="genie"' } : {}),
      ...(reason === 'rate' || reason === 'too-many-pending' ? { 'retry-after': '5' } : {}),
    },
  };
}

/** Answers a request with a refusal and ends the connection, so that nothing that follows on it is read as a request. */
export function refuseRequest(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, headers, body } = toRefusal(error);
  response.writeHead(status, headers);
  response.end(body);
}

/** The same on a bare connection. */
export function refuseOnSocket(socket: Duplex, error: unknown): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = toRefusal(error);
  endWith(socket, writeHead(status, headers) + body);
}

/** The first lines of an answer. */
export function writeHead(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${lines.join('')}\r\n`;
}

/** Sends the last bytes, and drops a peer that does not take them. */
export function endWith(socket: Duplex, text: string): void {
  socket.on('error', () => undefined);
  socket.end(text, () => setTimeout(() => socket.destroy(), 100).unref());
  setTimeout(() => socket.destroy(), 2_000).unref();
}
