import { createHash } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import type { EgressContext } from '@genie/core/ports';
import { FormData, type RequestInit as UndiciRequestInit, fetch as undiciFetch } from 'undici';
import { EgressError } from '../egress-error.ts';
import { splitPort } from '../policy/allow-entry.ts';
import { parseWrittenHost } from '../policy/host-name.ts';
import type { GateDispatcher } from './gate-dispatcher.ts';

/**
 * `fetch` through the gate. Redirects are followed hop by hop, each one judged. Rejects with the gate's own errors instead
 * of `TypeError: fetch failed`.
 */
export async function fetchThrough(
  dispatcher: GateDispatcher,
  input: string | URL | Request,
  init: RequestInit | undefined,
  context: EgressContext,
): Promise<Response> {
  const { url, options } = await normalise(input, init);
  const bodySha256 = hashBody(options.body);
  const own = dispatcher.withContext({
    context,
    hops: [],
    ...(options.signal ? { signal: options.signal } : {}),
    ...(bodySha256 === undefined ? {} : { bodySha256 }),
  });
  try {
    return (await undiciFetch(url, { ...options, dispatcher: own })) as unknown as Response;
  } catch (error) {
    const cause = (error as { cause?: unknown } | null)?.cause;
    if (GenieError.isInstance(cause)) throw cause;
    throw error;
  }
}

/** The parts of a request that undici's own classes do not share with the ones that are built into Node. */
async function normalise(
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<{ readonly url: URL; readonly options: UndiciRequestInit }> {
  if (typeof input === 'string' || input instanceof URL) {
    return { url: readUrl(input), options: await convertBody(init) };
  }
  const { method, headers, redirect, signal, body } = input;
  const fromRequest = { method, headers, redirect, signal, ...(body === null ? {} : { body, duplex: 'half' }) };
  return { url: readUrl(input.url), options: await convertBody({ ...fromRequest, ...init } as RequestInit) };
}

async function convertBody(init: RequestInit): Promise<UndiciRequestInit> {
  const { body, ...rest } = init as RequestInit & { readonly dispatcher?: unknown };
  const options = { ...rest } as unknown as UndiciRequestInit;
  // A caller's own dispatcher would be a second door.
  delete (options as { dispatcher?: unknown }).dispatcher;
  if (body === undefined || body === null) return options;
  if (!(body instanceof globalThis.FormData))
    return { ...options, body: body as NonNullable<UndiciRequestInit['body']> };
  const form = new FormData();
  for (const [name, value] of body.entries()) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, value.name);
  }
  return { ...options, body: form };
}

/** The URL parser repairs a lot; here what it would repair is refused, so that what was asked is what is reached. */
function readUrl(input: string | URL): URL {
  let url: URL;
  try {
    url = new URL(input);
  } catch (cause) {
    throw new EgressError('request-form', `"${String(input).slice(0, 200)}" is not an absolute URL`, { cause });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new EgressError(
      'request-form',
      `${url.protocol} is refused: only http: and https: leave through the egress filter`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new EgressError(
      'host-grammar',
      `the URL of ${url.hostname} has user information; send credentials in a header`,
    );
  }
  if (typeof input === 'string') refuseRepaired(input.trim(), url);
  return url;
}

function refuseRepaired(text: string, url: URL): void {
  const authority = /^https?:\/\/([^/?#\\]*)/i.exec(text)?.[1];
  const written = authority === undefined ? undefined : splitPort(authority.replace(/:$/, '')).hostText;
  const parsed = written === undefined ? undefined : parseWrittenHost(written);
  const name = parsed !== undefined && 'host' in parsed ? parsed.host.name : undefined;
  if (name !== undefined && (url.hostname === name || url.hostname === `[${name}]`)) return;
  const problem =
    parsed !== undefined && 'problem' in parsed
      ? parsed.problem
      : `"${text.slice(0, 80)}" is not written as it is read`;
  const literal = parsed !== undefined && 'literal' in parsed && parsed.literal;
  throw new EgressError(literal ? 'address-literal' : 'host-grammar', problem);
}

function hashBody(body: unknown): string | undefined {
  if (typeof body === 'string' || body instanceof Uint8Array) return createHash('sha256').update(body).digest('hex');
  return undefined;
}
