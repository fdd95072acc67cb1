import { createServer, type IncomingMessage, type Server } from 'node:http';

interface StoredPoint {
  readonly vector: readonly number[];
  readonly payload: unknown;
}

interface Collection {
  readonly size: number;
  readonly points: Map<string, StoredPoint>;
}

export interface QdrantServer {
  readonly url: string;
  /** Answers the next requests with this status instead. */
  failNext(status: number, times: number): void;
  /** Takes requests and never answers. */
  hang(): void;
  close(): Promise<void>;
}

/** The part of Qdrant's REST API that the store speaks, as its public description (OpenAPI, version 1.12) has it. For tests. */
export async function startQdrantServer(apiKey: string): Promise<QdrantServer> {
  const collections = new Map<string, Collection>();
  let failing = { status: 0, times: 0 };
  let hangs = false;
  const answerTo = (request: IncomingMessage, body: unknown): Answer => {
    if (failing.times > 0) {
      failing = { ...failing, times: failing.times - 1 };
      return fault(failing.status, 'made to fail');
    }
    if (request.headers['api-key'] !== apiKey) return fault(401, 'Unauthorized');
    return route(collections, `${request.method} ${request.url}`, body);
  };
  const server: Server = createServer((request, response) => {
    void readBody(request).then((body) => {
      if (hangs) return;
      const answer = answerTo(request, body);
      response.writeHead(answer.code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    failNext: (status, times) => {
      failing = { status, times };
    },
    hang: () => {
      hangs = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of a foreign protocol, checked member by member below.
type Body = any;

function route(collections: Map<string, Collection>, line: string, body: Body): Answer {
  const [, method, name = '', action = ''] =
    /^(\w+) \/collections\/([\w-]+)(?:\/points)?(\/\w+)?(?:\?wait=true)?$/.exec(line) ?? [];
  const collection = collections.get(name);
  const isPoints = line.includes('/points');
  if (method === 'PUT' && !isPoints) {
    if (collection) return fault(409, `Wrong input: Collection \`${name}\` already exists!`);
    if (body?.vectors?.distance !== 'Cosine' || !Number.isInteger(body.vectors.size)) return fault(400, 'bad vectors');
    collections.set(name, { size: body.vectors.size, points: new Map() });
    return fine(true);
  }
  if (!collection) return fault(404, `Not found: Collection \`${name}\` doesn't exist!`);
  if (method === 'GET')
    return fine({ status: 'green', config: { params: { vectors: { size: collection.size, distance: 'Cosine' } } } });
  if (method === 'PUT') return upsert(collection, body);
  if (action === '/delete') {
    for (const id of body.points as string[]) collection.points.delete(id);
    return fine({ operation_id: 1, status: 'completed' });
  }
  if (action === '/scroll') return scroll(collection, body);
  return query(collection, body);
}

function upsert({ points, size }: Collection, body: Body): Answer {
  for (const { id, vector } of body.points) {
    if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
      return fault(400, `Format error: ${id} is not a valid point ID`);
    if (vector.length !== size)
      return fault(400, `Wrong input: Vector dimension error: expected dim: ${size}, got ${vector.length}`);
  }
  for (const { id, vector, payload } of body.points)
    points.set(id, { vector: unit(Float32Array.from(vector)), payload });
  return fine({ operation_id: 0, status: 'completed' });
}

function scroll({ points }: Collection, body: Body): Answer {
  const sorted = [...points].sort(([left], [right]) => (left < right ? -1 : 1));
  const from = body.offset === undefined ? 0 : sorted.findIndex(([id]) => id >= body.offset);
  const page = sorted.slice(from, from + body.limit);
  return fine({
    points: page.map(([id, { payload }]) => ({ id, payload })),
    next_page_offset: sorted[from + body.limit]?.[0] ?? null,
  });
}

function query({ points }: Collection, body: Body): Answer {
  const asked = unit(Float32Array.from(body.query));
  const scored = [...points].map(([id, { vector, payload }]) => ({
    id,
    version: 0,
    payload,
    score: vector.reduce((sum, value, index) => sum + value * (asked[index] ?? 0), 0),
  }));
  return fine({ points: scored.sort((left, right) => right.score - left.score).slice(0, body.limit) });
}

function unit(vector: Float32Array): number[] {
  const length = Math.hypot(...vector);
  return Array.from(Float32Array.from(vector, (value) => value / length));
}

function fine(result: unknown): Answer {
  return { code: 200, body: { result, status: 'ok', time: 0.001 } };
}

function fault(code: number, error: string): Answer {
  return { code, body: { status: { error }, time: 0.001 } };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return parts.length === 0 ? undefined : JSON.parse(Buffer.concat(parts).toString('utf8'));
}
