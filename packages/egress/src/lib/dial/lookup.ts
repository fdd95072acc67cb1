import { lookup as systemLookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { GenieError } from '@genie/core/errors';
import type { Deadlines } from '../deadlines.ts';
import { EgressError } from '../egress-error.ts';
import { splitPort } from '../policy/allow-entry.ts';

export type Answer = string | { readonly address: string };
export type Answers = Answer | readonly Answer[];

/**
 * How names become addresses: a function of the name that promises all its addresses, or one in the form of `dns.lookup`.
 * It is called once for each connection and only after the destination was allowed.
 */
export type Lookup = (
  host: string,
  options: { readonly all: true; readonly signal?: AbortSignal },
  callback: (error: Error | null, answers?: Answers) => void,
) => Promise<Answers> | unknown;

export interface ResolveOptions {
  readonly lookup: Lookup;
  readonly timeoutMs: number;
  readonly deadlines: Deadlines;
  readonly signal?: AbortSignal | undefined;
}

/** Asks the operating system, hosts file included. */
export const lookupBySystem: Lookup = (host, _options, callback) => {
  systemLookup(host, { all: true, verbatim: true }, (error, answers) => callback(error, answers));
};

/**
 * Asks one DNS server (`ip:port`, default port 53) for A and AAAA records, past the operating system. Throws
 * `GENIE_EGRESS_OPTIONS` when the address is no address.
 */
export function createResolverLookup(server: string, options: { readonly timeoutMs?: number } = {}): Lookup {
  const resolver = new Resolver({ timeout: options.timeoutMs ?? 2_000, tries: 2 });
  try {
    const { hostText, port } = splitPort(server);
    resolver.setServers([`${hostText}:${port ?? 53}`]);
  } catch (cause) {
    throw new GenieError(
      'GENIE_EGRESS_OPTIONS',
      `resolver: "${server}" is refused. Write an address and a port, e.g. "127.0.0.1:5353"`,
      { cause },
    );
  }
  return async (host: string) => {
    const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [ipv4, ipv6].flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    if (found.length === 0 && ipv4.status === 'rejected') throw ipv4.reason;
    return found;
  };
}

/** All addresses of a name. Rejects with `name-not-found` or `resolver` (also after `timeoutMs`). */
export function resolveAll(host: string, options: ResolveOptions): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    const callOff = options.deadlines.after(options.timeoutMs, () =>
      fail(new Error(`no answer within ${options.timeoutMs} ms`)),
    );
    const onAbort = (): void => fail(signal?.reason);
    const stop = (): void => {
      callOff();
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (cause: unknown): void => {
      stop();
      reject(toLookupError(host, cause));
    };
    const settle = (answers: Answers | undefined): void => {
      stop();
      resolve(readAnswers(answers));
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const returned = options.lookup(host, { all: true, ...(signal ? { signal } : {}) }, (error, answers) =>
        error ? fail(error) : settle(answers),
      );
      if (returned instanceof Promise) returned.then(settle, fail);
    } catch (error) {
      fail(error);
    }
  });
}

function readAnswers(answers: Answers | undefined): readonly string[] {
  const found: string[] = [];
  for (const answer of Array.isArray(answers) ? (answers as readonly Answer[]) : [answers as Answer | undefined]) {
    const address = typeof answer === 'string' ? answer : answer?.address;
    if (typeof address === 'string') found.push(address);
  }
  return found;
}

function toLookupError(host: string, cause: unknown): EgressError {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  if (code === 'ENOTFOUND' || code === 'ENODATA')
    return new EgressError('name-not-found', `${host} has no address`, { cause, host });
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EgressError('resolver', `the name ${host} could not be resolved: ${why}`, { cause, host });
}
