import { createHash } from 'node:crypto';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { VectorMatch, VectorStore } from '@genie/memory';
import { checkVector } from '../vectors/check-vector.ts';

export interface QdrantOptions {
  /** `http://host:6333`. */
  readonly url: string;
  /** One collection for one namespace and model. Made when it is missing. */
  readonly collection: string;
  readonly dimension: number;
  readonly apiKey?: string;
  /** The egress filter's fetch, so that nothing goes around it. */
  readonly fetch: typeof globalThis.fetch;
  /** Longest time for one request. Default 10,000. */
  readonly timeoutMs?: number;
}

interface Point {
  readonly id: string;
  readonly payload?: { readonly id?: unknown };
  readonly score?: number;
}

const pageSize = 1_000;
const batchSize = 500;
/** Qdrant keeps 32-bit floats; a similarity differs from ours in the seventh digit. */
const sameSimilarity = 1e-6;

/**
 * Vectors in a Qdrant collection, over its REST API (https://api.qdrant.tech). Qdrant's ids are numbers or UUIDs, so each of ours becomes a UUID made of its
 * hash, with the id itself in the payload. Searches are exact: a genie's vectors are few for Qdrant, and the conformance suite asks for the true nearest.
 *
 * Errors by code: `GENIE_MEMORY_VECTOR` (a vector that means nothing), `GENIE_QDRANT_OPTIONS`, `GENIE_QDRANT_FAILED`.
 */
export async function openQdrantStore(options: QdrantOptions): Promise<VectorStore> {
  const request = createRequest(options);
  const { collection, dimension } = options;
  await prepareCollection(request, collection, dimension);
  const ids = await readIds(request, collection);
  const path = `/collections/${collection}/points`;
  return {
    capabilities: { name: 'qdrant', exact: true, maxVectors: 1_000_000 },
    dimension,
    get size() {
      return ids.size;
    },
    has: (id) => ids.has(id),
    async add(rows) {
      const points = rows.map(({ id, vector }) => ({
        id: pointIdOf(id),
        vector: checkVector(vector, dimension, JSON.stringify(id)),
        payload: { id: storable(id) },
      }));
      for (let from = 0; from < points.length; from += batchSize) {
        await request('PUT', `${path}?wait=true`, { points: points.slice(from, from + batchSize) });
      }
      for (const { id } of rows) ids.add(id);
    },
    async remove(gone) {
      const present = gone.filter((id) => ids.has(id));
      for (let from = 0; from < present.length; from += batchSize) {
        const points = present.slice(from, from + batchSize).map(pointIdOf);
        await request('POST', `${path}/delete?wait=true`, { points });
      }
      for (const id of present) ids.delete(id);
    },
    async search(vector, k, { signal } = {}) {
      signal?.throwIfAborted();
      const query = checkVector(vector, dimension, 'the query');
      if (ids.size === 0 || k <= 0) return [];
      const body = { query, limit: Math.min(k, ids.size), with_payload: true, params: { exact: true } };
      const { points } = (await request('POST', `${path}/query`, body, signal)) as { points: readonly Point[] };
      return points.map(toMatch).sort(bestFirst);
    },
    close: async () => undefined,
  };
}

type Request = (method: string, path: string, body?: unknown, signal?: AbortSignal) => Promise<unknown>;

function createRequest({ url, apiKey, fetch, timeoutMs = 10_000, collection, dimension }: QdrantOptions): Request {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw badOption('url', url, 'http://host:6333');
  if (!/^[\w-]{1,200}$/.test(collection))
    throw badOption('collection', collection, '1 to 200 letters, digits, "_" and "-"');
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > 65_536)
    throw badOption('dimension', String(dimension), 'a whole number from 1 to 65,536');
  const base = url.replace(/\/+$/, '');
  return async (method, path, body, signal) => {
    const limit = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { 'api-key': apiKey }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      throw failed(method, path, describeThrown(error), error);
    }
    const answer = readAnswer(text);
    if (response.ok && answer) return answer.result;
    if (response.status === 404 && method === 'GET') return undefined;
    const why = answer?.status?.error ?? (answer ? response.statusText : 'its answer is none of Qdrant');
    throw failed(method, path, `${response.status} ${String(why)}`, undefined);
  };
}

interface Answer {
  readonly result?: unknown;
  readonly status?: { readonly error?: unknown } | null;
}

/** Undefined for what is no answer of Qdrant: the page of a proxy in between. */
function readAnswer(text: string): Answer | undefined {
  try {
    const answer = JSON.parse(text) as Answer | null;
    return typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

async function prepareCollection(request: Request, collection: string, dimension: number): Promise<void> {
  const found = (await request('GET', `/collections/${collection}`)) as
    | {
        readonly config?: {
          readonly params?: { readonly vectors?: { readonly size?: number; readonly distance?: string } };
        };
      }
    | undefined;
  if (!found) {
    await request('PUT', `/collections/${collection}`, { vectors: { size: dimension, distance: 'Cosine' } });
    return;
  }
  const { size, distance } = found.config?.params?.vectors ?? {};
  if (size === dimension && distance === 'Cosine') return;
  throw badOption(
    'collection',
    collection,
    `one of dimension ${dimension} and distance Cosine; this one has ${String(size)} and ${String(distance)}`,
  );
}

async function readIds(request: Request, collection: string): Promise<Set<string>> {
  const ids = new Set<string>();
  let offset: unknown;
  do {
    const body = {
      limit: pageSize,
      with_payload: true,
      with_vector: false,
      ...(offset === undefined ? {} : { offset }),
    };
    const page = (await request('POST', `/collections/${collection}/points/scroll`, body)) as {
      readonly points: readonly Point[];
      readonly next_page_offset?: unknown;
    };
    for (const point of page.points) ids.add(idOf(point));
    offset = page.next_page_offset ?? undefined;
  } while (offset !== undefined);
  return ids;
}

/** A UUID of the form of version 8 (RFC 9562: of the maker's own design). */
function pointIdOf(id: string): string {
  const hex = createHash('sha256').update(id, 'utf16le').digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** JSON text holds halves of surrogate pairs as escapes, but servers refuse them; so the id travels as JSON in JSON. */
function storable(id: string): string {
  return JSON.stringify(id);
}

function idOf({ payload, id }: Point): string {
  return typeof payload?.id === 'string' ? (JSON.parse(payload.id) as string) : id;
}

function toMatch(point: Point): VectorMatch {
  return { id: idOf(point), similarity: point.score ?? 0 };
}

function bestFirst(left: VectorMatch, right: VectorMatch): number {
  const difference = right.similarity - left.similarity;
  if (Math.abs(difference) > sameSimilarity) return difference;
  return left.id < right.id ? -1 : 1;
}

function badOption(name: string, received: string, form: string): GenieError {
  return new GenieError(
    'GENIE_QDRANT_OPTIONS',
    `openQdrantStore: ${name} is ${JSON.stringify(received.slice(0, 80))}; use ${form}.`,
  );
}

function failed(method: string, path: string, problem: string, cause: unknown): GenieError {
  return new GenieError('GENIE_QDRANT_FAILED', `Qdrant: ${method} ${path.split('?')[0]} failed: ${problem}.`, {
    ...(cause === undefined ? {} : { cause }),
  });
}
