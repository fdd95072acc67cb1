import { createHash, timingSafeEqual } from 'node:crypto';

export interface GuardOptions {
  /** Bearer token that every request must carry. */
  readonly token?: string;
  /** Host names that the `Host` header may name, without port. Default: the names of this machine's loopback. */
  readonly allowedHosts?: readonly string[];
  /** Host names of web pages that may call, as in their `Origin`. Default: the same. */
  readonly allowedOrigins?: readonly string[];
}

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Decides before anything is read. A page of another site that reaches this port by DNS rebinding names its own host in
 * `Host` and `Origin`; both are checked. Undefined when the request may go on.
 */
export function guardRequest(request: Request, options: GuardOptions): Response | undefined {
  const host = hostOf(`http://${request.headers.get('host') ?? ''}`);
  if (host === undefined || !(options.allowedHosts ?? loopback).includes(host))
    return refusal(403, `Host ${JSON.stringify(request.headers.get('host'))} is not served here.`);
  const origin = request.headers.get('origin');
  if (origin !== null) {
    const page = hostOf(origin);
    if (page === undefined || !(options.allowedOrigins ?? loopback).includes(page))
      return refusal(403, `Pages of ${JSON.stringify(origin)} may not call this server.`);
  }
  if (options.token !== undefined && !sameToken(request.headers.get('authorization'), options.token))
    return refusal(401, 'A bearer token is needed.', { 'www-authenticate': 'Bearer' });
  return undefined;
}

function hostOf(address: string): string | undefined {
  try {
    return new URL(address).hostname || undefined;
  } catch {
    return undefined;
  }
}

/** Hashes first, so that the comparison takes the same time for every length. */
function sameToken(header: string | null, token: string): boolean {
  const given = /^bearer +(.+)$/i.exec(header ?? '')?.[1];
  if (given === undefined) return false;
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}

/** An HTTP refusal with a JSON-RPC error inside, so that clients can show its text. */
export function refusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(
    { jsonrpc: '2.0', id: null, error: { code: -32000, message } },
    { status, headers: { ...headers } },
  );
}
