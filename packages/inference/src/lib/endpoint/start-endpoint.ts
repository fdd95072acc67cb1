import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { LanguageModel } from '@genie/core/ports';
import type { Embedder } from '../embedder/embedder.ts';
import { toCompletion, toErrorBody, toEvents } from './chat-answer.ts';
import { type ChatRequest, chatRequestSchema, toCallOptions } from './chat-request.ts';
import { embeddingsRequestSchema, toEmbeddings } from './embeddings.ts';
import { named, readBody, refusal } from './read-body.ts';

export interface EndpointOptions {
  /** Models by the id that clients use. */
  readonly models: Readonly<Record<string, LanguageModel>>;
  /** Default `127.0.0.1`. Anything else than a loopback address needs a `token`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Answer `POST /v1/embeddings`, by the id that clients use. */
  readonly embedders?: Readonly<Record<string, Embedder>>;
  /** Bearer token that clients must send. */
  readonly token?: string;
  /** Answers `GET /metrics`, e.g. the daemon's `metrics`. */
  readonly metrics?: () => unknown;
  /** Larger requests are refused. Default 16 MiB. */
  readonly maxBodyBytes?: number;
}

export interface Endpoint {
  /** e.g. `http://127.0.0.1:4711`; clients use `<url>/v1`. */
  readonly url: string;
  /** With `drain`, requests that run are answered first, until the signal aborts; new ones are refused at once. */
  close(options?: { readonly drain?: AbortSignal }): Promise<void>;
}

/**
 * Serves models to other programs in the form of OpenAI's API: `POST /v1/chat/completions` (also streamed), `POST /v1/embeddings`, `GET /v1/models`,
 * `GET /health`, `GET /metrics`. A client that hangs up aborts its request. Pages in a browser are kept out: no CORS, and only requests for
 * this host by name or address are answered. Rejects with `GENIE_ENDPOINT_OPTIONS` or `GENIE_ENDPOINT_LISTEN`.
 */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const host = options.host ?? '127.0.0.1';
  if (!isLoopback(host) && !options.token) {
    throw new GenieError(
      'GENIE_ENDPOINT_OPTIONS',
      `The endpoint would listen on "${host}" for everybody: pass a "token", or listen on 127.0.0.1.`,
    );
  }
  const server = createServer((request, response) => {
    handle(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else reply(response, statusOf(error), toErrorBody(error));
    });
  });
  server.listen(options.port ?? 0, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new GenieError(
      'GENIE_ENDPOINT_LISTEN',
      `The endpoint cannot listen on ${host}:${options.port}: ${describeThrown(error)}. Use another port.`,
      { cause: error },
    );
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: async ({ drain } = {}) => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      // Nobody new; connections that wait for a next request end at once, those with an answer on the way after it.
      server.close();
      if (!drain || drain.aborted) server.closeAllConnections();
      drain?.addEventListener('abort', () => server.closeAllConnections(), { once: true });
      await closed;
    },
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, options: EndpointOptions): Promise<void> {
  const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname;
  if (path === undefined) throw refusal(400, 'The address of the request cannot be read');
  if (!isExpectedHost(request, options)) throw refusal(403, 'The request names another host');
  if (path === '/health') return reply(response, 200, { status: 'ok' });
  if (!isAuthorized(request, options.token)) throw refusal(401, 'The bearer token is missing or wrong');
  if (path === '/v1/models' && request.method === 'GET') {
    const data = Object.keys({ ...options.models, ...options.embedders }).map((id) => ({
      id,
      object: 'model',
      owned_by: 'genie',
    }));
    return reply(response, 200, { object: 'list', data });
  }
  if (path === '/metrics' && options.metrics) return reply(response, 200, options.metrics());
  const maxBytes = options.maxBodyBytes ?? 16 * 1024 * 1024;
  if (path === '/v1/chat/completions' && request.method === 'POST')
    return complete(await readBody(request, maxBytes, chatRequestSchema), response, options);
  if (path === '/v1/embeddings' && request.method === 'POST')
    return reply(
      response,
      200,
      await toEmbeddings(await readBody(request, maxBytes, embeddingsRequestSchema), options.embedders ?? {}),
    );
  throw refusal(404, `There is no ${request.method} ${path}`);
}

async function complete(request: ChatRequest, response: ServerResponse, options: EndpointOptions): Promise<void> {
  const model = named(options.models, request.model);
  const hungUp = new AbortController();
  response.once('close', () => hungUp.abort());
  const call = toCallOptions(request, hungUp.signal);
  const frame = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1_000), model: request.model };
  if (!request.stream) return reply(response, 200, toCompletion(await model.doGenerate(call), frame));
  const { stream } = await model.doStream(call);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for await (const event of toEvents(stream, frame, request.stream_options?.include_usage === true)) {
    // A client that does not read makes the model's stream wait, not the memory grow.
    if (!response.write(event)) await writable(response);
    if (hungUp.signal.aborted) return;
  }
  response.end();
}

/** Resolves when there is room again, or when the client is gone; leaves no listener behind, however often it is called. */
function writable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    // It may have closed before anybody listened.
    if (response.destroyed) done();
  });
}

/** A page in a browser may reach a loopback port under a name of its own (DNS rebinding); such a request names that host. */
function isExpectedHost(request: IncomingMessage, options: EndpointOptions): boolean {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return (
    request.headers.origin === undefined && (isLoopback(name) || name === options.host || options.token !== undefined)
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function isAuthorized(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}

const statuses: Readonly<Record<string, number>> = {
  GENIE_MODEL_CONTEXT_LENGTH: 400,
  GENIE_MODEL_BAD_REQUEST: 400,
  GENIE_MODEL_RATE_LIMIT: 429,
  GENIE_MODEL_QUOTA: 429,
  GENIE_MODEL_TIMEOUT: 504,
  GENIE_DAEMON_BUSY: 503,
  GENIE_DAEMON_CLOSED: 503,
  GENIE_WORKER_CRASHED: 503,
  GENIE_WORKER_FAILED: 503,
};

function statusOf(error: unknown): number {
  if (!GenieError.isInstance(error)) return 500;
  const { status } = error.details ?? {};
  return typeof status === 'number' ? status : (statuses[error.code] ?? 500);
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
