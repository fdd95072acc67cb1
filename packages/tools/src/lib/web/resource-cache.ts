import type { Resource } from './resource.ts';

/** What was read before and may be asked for with its validators. */
export interface ResourceCache {
  /** Conditional request headers, empty when nothing is known. */
  validators(url: string): Readonly<Record<string, string>>;
  get(url: string): Resource | undefined;
  /** Keeps a resource that came with an ETag or a Last-Modified date. */
  put(url: string, resource: Resource, headers: Headers): void;
}

interface Entry {
  readonly resource: Resource;
  readonly headers: Readonly<Record<string, string>>;
}

/** A cache in memory of at most `maxBytes`, the least recently used leaves first. Every use asks the server (no age is trusted). */
export function createResourceCache(maxBytes = 20 * 1024 * 1024): ResourceCache {
  const entries = new Map<string, Entry>();
  let used = 0;
  const drop = (url: string) => {
    used -= entries.get(url)?.resource.bytes.length ?? 0;
    entries.delete(url);
  };
  return {
    validators: (url) => entries.get(url)?.headers ?? {},
    get(url) {
      const entry = entries.get(url);
      if (!entry) return undefined;
      entries.delete(url);
      entries.set(url, entry);
      return entry.resource;
    },
    put(url, resource, responseHeaders) {
      drop(url);
      const etag = responseHeaders.get('etag');
      const modified = responseHeaders.get('last-modified');
      if ((etag === null && modified === null) || /no-store/i.test(responseHeaders.get('cache-control') ?? '')) return;
      if (resource.bytes.length > maxBytes / 4) return;
      const headers = {
        ...(etag === null ? {} : { 'if-none-match': etag }),
        ...(modified === null ? {} : { 'if-modified-since': modified }),
      };
      entries.set(url, { resource, headers });
      used += resource.bytes.length;
      for (const oldest of entries.keys()) {
        if (used <= maxBytes) break;
        drop(oldest);
      }
    },
  };
}
