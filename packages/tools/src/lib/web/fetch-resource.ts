import { GenieError } from '@genie/core/errors';
import { decodeCharset } from './charset.ts';
import type { Resource } from './resource.ts';
import type { ResourceCache } from './resource-cache.ts';

export type Fetch = typeof globalThis.fetch;

export interface FetchResourceOptions {
  readonly accept: string;
  /** Most bytes of content after decompression. Default 10 MiB; more is `GENIE_WEB_TOO_LARGE`. */
  readonly maxBytes?: number;
  /** Media types that are worth reading; a test of the whole lower-case type. */
  readonly accepts: (contentType: string) => boolean;
  readonly signal: AbortSignal;
  /** Remembers what was read and asks with its validators. */
  readonly cache?: ResourceCache;
}

/**
 * Reads one address through the given fetch, which is the egress filter; its errors (`GENIE_APPROVAL_REQUIRED`,
 * `GENIE_EGRESS_DENIED`) pass through untouched. Errors by code: `GENIE_WEB_URL`, `GENIE_WEB_STATUS`, `GENIE_WEB_TYPE`,
 * `GENIE_WEB_TOO_LARGE`, `GENIE_WEB_FAILED` (the connection or the transfer broke).
 */
export async function fetchResource(address: string, fetch: Fetch, options: FetchResourceOptions): Promise<Resource> {
  const url = parseAddress(address);
  const response = await send(url, fetch, options);
  const cached = response.status === 304 ? options.cache?.get(url.href) : undefined;
  if (cached) return cached;
  const contentType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  try {
    if (!response.ok) throw statusError(url, response);
    if (!options.accepts(contentType)) {
      throw new GenieError(
        'GENIE_WEB_TYPE',
        `${url.href} answered with ${JSON.stringify(contentType)}: this tool reads ${options.accept}.`,
      );
    }
    const bytes = await readBody(response, url, options.maxBytes ?? 10 * 1024 * 1024);
    const lastModified = Date.parse(response.headers.get('last-modified') ?? '');
    const resource: Resource = {
      url: response.url || url.href,
      contentType,
      bytes,
      text: decodeCharset(bytes, response.headers.get('content-type') ?? ''),
      ...(Number.isNaN(lastModified) ? {} : { lastModified }),
    };
    options.cache?.put(url.href, resource, response.headers);
    return resource;
  } catch (error) {
    await response.body?.cancel().catch(() => undefined);
    throw error;
  }
}

/** Throws `GENIE_WEB_URL` unless it is an http or https address without user information. */
export function parseAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '') {
    throw new GenieError(
      'GENIE_WEB_URL',
      `${JSON.stringify(address.slice(0, 200))} is not a web address: pass http:// or https:// with a host and without a user name.`,
    );
  }
  url.hash = '';
  return url;
}

async function send(url: URL, fetch: Fetch, options: FetchResourceOptions): Promise<Response> {
  try {
    return await fetch(url.href, {
      headers: {
        accept: options.accept,
        'accept-language': 'en, *;q=0.5',
        'user-agent': 'genie',
        ...options.cache?.validators(url.href),
      },
      redirect: 'follow',
      signal: options.signal,
    });
  } catch (error) {
    if (GenieError.isInstance(error)) throw error;
    options.signal.throwIfAborted();
    throw failed(url, error);
  }
}

async function readBody(response: Response, url: URL, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > maxBytes) {
        throw new GenieError(
          'GENIE_WEB_TOO_LARGE',
          `${url.href} is larger than ${maxBytes} bytes after decompression: it was not read.`,
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (GenieError.isInstance(error) || (error as Error).name === 'AbortError') throw error;
    throw failed(url, error);
  }
  return Buffer.concat(chunks);
}

function statusError(url: URL, response: Response): GenieError {
  const retry = response.headers.get('retry-after');
  return new GenieError(
    'GENIE_WEB_STATUS',
    `${url.href} answered ${response.status} ${response.statusText}${retry === null ? '' : ` (try again after ${retry})`}.`,
    {
      details: { status: response.status },
    },
  );
}

function failed(url: URL, error: unknown): GenieError {
  const cause = (error as { cause?: { code?: unknown; message?: unknown } }).cause;
  const reason = String(cause?.code ?? cause?.message ?? (error as Error).message);
  return new GenieError('GENIE_WEB_FAILED', `${url.href} could not be read: ${reason}.`, { cause: error });
}
