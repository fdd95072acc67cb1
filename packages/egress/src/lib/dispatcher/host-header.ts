import type { Dispatcher } from 'undici';
import { EgressError } from '../egress-error.ts';
import type { Destination } from '../policy/decision.ts';
import { parseAuthority } from '../proxy/request-form.ts';

type Headers = Dispatcher.DispatchOptions['headers'];

/** The same with headers that can be read more than once: an iterator gives its entries only one time. */
export function settleHeaders(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  const { headers } = options;
  if (headers === null || headers === undefined || Array.isArray(headers)) return options;
  if (!(Symbol.iterator in headers)) return options;
  const flat: string[] = [];
  for (const [name, value] of headers as Iterable<readonly [string, string | readonly string[]]>)
    for (const one of [value].flat()) flat.push(name, one);
  return { ...options, headers: flat };
}

/**
 * A Host header that names another server than the origin would be read by the server, and undici takes the name of the TLS
 * hello from it. Throws `EgressError` with the reason `host-mismatch`.
 */
export function checkHostHeader(headers: Headers, origin: Omit<Destination, 'method'>): void {
  if (headers === null || headers === undefined) return;
  if (Array.isArray(headers)) {
    for (let index = 0; index < headers.length; index += 2)
      if (isHost(headers[index])) checkValue(headers[index + 1], origin);
    return;
  }
  for (const name in headers) if (isHost(name)) checkValue((headers as Record<string, unknown>)[name], origin);
}

function isHost(name: unknown): boolean {
  const text = String(name);
  return text.length === 4 && text.toLowerCase() === 'host';
}

function checkValue(value: unknown, { scheme, hostText, port }: Omit<Destination, 'method'>): void {
  const host = parseAuthority(String(value), scheme === 'https' ? 443 : 80);
  if (host?.port === port && host.hostText.toLowerCase() === hostText.toLowerCase()) return;
  const message = `Host is ${JSON.stringify(String(value).slice(0, 260))}, but the request goes to ${hostText}:${port}`;
  throw new EgressError('host-mismatch', message, { host: hostText, port });
}
