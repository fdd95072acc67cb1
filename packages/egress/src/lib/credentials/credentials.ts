import { GenieError } from '@genie/core/errors';
import { parseWrittenHost } from '../policy/host-name.ts';

/** A header value that the operator binds to one host. */
export interface Credential {
  /** Exact host. */
  readonly host: string;
  /** Where it speaks TLS. Default 443. A plain request to port 80 of the host is sent there too, so that the value never travels in the clear. */
  readonly port?: number;
  /** e.g. `authorization`. */
  readonly header: string;
  /** The whole value, e.g. `Bearer …`; a function is asked at each request. */
  readonly value: string | (() => string);
}

/** What is added to requests to a host: headers, flat, and the port where TLS is spoken. Undefined when nothing is. */
export type CredentialBook = (
  hostName: string,
) => { readonly port: number; readonly headers: readonly string[] } | undefined;

/** Throws `GENIE_EGRESS_OPTIONS`; the message never holds a value. */
export function createCredentialBook(credentials: readonly Credential[]): CredentialBook {
  const byHost = new Map<string, { readonly port: number; readonly own: Credential[] }>();
  for (const credential of credentials) {
    const host = readHost(credential);
    const port = credential.port ?? 443;
    const found = byHost.get(host) ?? { port, own: [] };
    if (found.port !== port) {
      const message = `credentials: "${host}" is bound to the ports ${found.port} and ${port}; its values go to one port`;
      throw new GenieError('GENIE_EGRESS_OPTIONS', message);
    }
    found.own.push(credential);
    byHost.set(host, found);
  }
  return (hostName) => {
    const found = byHost.get(hostName);
    if (found === undefined) return undefined;
    return { port: found.port, headers: found.own.flatMap(({ header, value }) => [header, readValue(header, value)]) };
  };
}

function readHost({ host, header }: Credential): string {
  const result = parseWrittenHost(host);
  const isHeader =
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(header) &&
    !/^(host|connection|content-length|transfer-encoding)$/i.test(header);
  if ('host' in result && isHeader) return result.host.name;
  const message = `credentials: ${header} for "${host}" is refused. Name one exact host and a header such as "authorization"`;
  throw new GenieError('GENIE_EGRESS_OPTIONS', message);
}

/** Adds bound headers to headers in any form that undici takes. */
export function withCredentials(headers: unknown, bound: readonly string[]): unknown {
  const names = new Set(bound.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const kept = toPairs(headers).filter(([name]) => !names.has(name.toLowerCase()));
  return [...kept.flat(), ...bound];
}

function toPairs(headers: unknown): readonly (readonly [string, string])[] {
  if (headers === null || headers === undefined) return [];
  if (Array.isArray(headers)) {
    return headers.flatMap((name: unknown, index) =>
      index % 2 === 0 ? [[String(name), String(headers[index + 1])] as const] : [],
    );
  }
  const entries =
    Symbol.iterator in Object(headers)
      ? (headers as Iterable<readonly [string, string]>)
      : Object.entries(headers as object);
  const pairs: (readonly [string, string])[] = [];
  for (const [name, value] of entries)
    for (const one of [value].flat()) if (one !== undefined) pairs.push([name, String(one)]);
  return pairs;
}

function readValue(header: string, value: Credential['value']): string {
  const text = typeof value === 'function' ? askFor(header, value) : value;
  if (/^[\t\x20-\x7e\x80-\xff]+$/.test(text)) return text;
  throw new GenieError(
    'GENIE_EGRESS_OPTIONS',
    `credentials: the value of ${header} is empty or has characters that a header cannot hold`,
  );
}

/** Whoever sent the request is told that the value is missing, and not why: the reason may hold a secret. */
function askFor(header: string, value: () => string): string {
  try {
    return value();
  } catch (cause) {
    throw new GenieError('GENIE_EGRESS_OPTIONS', `credentials: the value of ${header} cannot be had`, { cause });
  }
}
