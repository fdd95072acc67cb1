import { describeThrown, GenieError } from '@genie/core/errors';
import {
  Client,
  type ClientOptions,
  type ConnectOptions,
  type PriorDiscovery,
  SdkHttpError,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { answerServer, clientCapabilities, type ServerBudgets } from './answer-server.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { CallGuard } from './call-guard.ts';
import type { ResolvedConnectOptions } from './connect-options.ts';
import { guardTransport } from './guard-transport.ts';
import { genieCause } from './map-failure.ts';
import { authorizedFetch } from './oauth-fetch.ts';
import { createProcessTransport, type ProcessTransport } from './process-transport.ts';

export type Era = 'modern' | 'legacy';

export interface OpenClient {
  readonly client: Client;
  readonly era: Era;
  readonly pid: number | undefined;
  /** Why this side cut the connection off, if it did. */
  readonly failure: GenieError | undefined;
  close(): Promise<void>;
}

export interface OpenClientRequest {
  readonly options: ResolvedConnectOptions;
  readonly guard: CallGuard;
  readonly budgets: ServerBudgets;
  /** What was learnt before; saves asking. */
  readonly known: Era | undefined;
  readonly signal: AbortSignal;
  readonly onClose: () => void;
  readonly onListChanged: () => void;
}

const modernVersion = '2026-07-28';

/**
 * Connects once. A server that ends when it is asked for its protocol, or does not know the newer HTTP, gets a second
 * connection in the older form. Rejects with `GENIE_MCP_CONNECTION`.
 */
export async function openClient(request: OpenClientRequest): Promise<OpenClient> {
  const { options, known: knownEra } = request;
  try {
    const era = options.protocol === 'auto' ? knownEra : options.protocol;
    if (era === 'legacy') return await connectLegacy(request);
    try {
      return await connectOnce(request, { transport: makeTransport(options), era });
    } catch (error) {
      // A refusal of this side, or a protocol that the user fixed: asking in another form changes nothing.
      if (options.protocol === 'modern' || genieCause(error)) throw error;
      request.signal.throwIfAborted();
      return await connectLegacy(request);
    }
  } catch (error) {
    const known = genieCause(error);
    if (known) throw known;
    const message = `The server ${options.name} cannot be reached: ${describeThrown(error)}.`;
    throw new GenieError('GENIE_MCP_CONNECTION', message, { cause: error });
  }
}

async function connectLegacy(request: OpenClientRequest): Promise<OpenClient> {
  const { options } = request;
  try {
    return await connectOnce(request, { transport: makeTransport(options), era: 'legacy' });
  } catch (error) {
    // 2024-11-05 has a GET stream instead; the older endpoint refuses the POST with one of these.
    const status = SdkHttpError.isInstance(error) ? error.status : undefined;
    if (options.url === undefined || ![400, 404, 405].includes(status ?? 0)) throw error;
    const transport = new SSEClientTransport(new URL(options.url), { fetch: httpFetch(options) });
    return connectOnce(request, { transport, era: 'legacy' });
  }
}

interface Attempt {
  readonly transport: Transport;
  readonly era: Era | undefined;
}

async function connectOnce(request: OpenClientRequest, { transport, era }: Attempt): Promise<OpenClient> {
  const { options, guard, budgets, signal } = request;
  // Every change is told: waiting for a pause would wait for ever on a server that makes none.
  const changed = { onChanged: () => request.onListChanged(), autoRefresh: false, debounceMs: 0 };
  const client = new Client(
    { name: 'genie', version: '1.0.0' },
    {
      capabilities: clientCapabilities(options),
      versionNegotiation: { mode: 'auto', probe: { timeoutMs: probeMs(options) } },
      listChanged: { tools: changed, prompts: changed, resources: changed },
      jsonSchemaValidator: comparedElsewhere,
    },
  );
  answerServer(client, options, { guard, budgets });
  const watch = guardTransport(transport, options.clock, options.maxMessagesPerSecond);
  const failure = (): GenieError | undefined => watch.failure ?? (transport as Partial<ProcessTransport>).failure;
  client.onerror = (error) => options.onError?.(error);
  try {
    await withDeadline(client.connect(transport, connectOptions(options, era)), options, signal);
  } catch (error) {
    await client.close().catch(() => undefined);
    await transport.close().catch(() => undefined);
    throw failure() ?? explain(error, transport, options);
  }
  client.onclose = request.onClose;
  // The older HTTP reconnects by itself to a server that has forgotten it; only a new connection is a session again.
  if (transport instanceof SSEClientTransport)
    client.onerror = (error) => {
      options.onError?.(error);
      void client.close().catch(() => undefined);
    };
  return {
    client,
    era: client.getProtocolEra() ?? 'legacy',
    pid: 'pid' in transport ? (transport as ProcessTransport).pid : undefined,
    get failure() {
      return failure();
    },
    close: async () => {
      client.onclose = () => undefined;
      if (transport instanceof StreamableHTTPClientTransport)
        await withDeadline(transport.terminateSession(), { ...options, connectTimeoutMs: 1_000 }).catch(
          () => undefined,
        );
      await client.close();
      await transport.close();
    },
  };
}

/** Answers are compared with their schema in `readResult`, where a hostile one is broken off. */
const comparedElsewhere: NonNullable<ClientOptions['jsonSchemaValidator']> = {
  getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
};

/** A program that is silent may be an old one; over HTTP silence is a fault, and waiting costs nothing. */
function probeMs({ command, connectTimeoutMs }: ResolvedConnectOptions): number {
  return command === undefined ? connectTimeoutMs : Math.min(5_000, connectTimeoutMs / 2);
}

/** A modern server that is taken for granted is not asked: what it offers shows in the lists. */
function connectOptions({ protocol, connectTimeoutMs }: ResolvedConnectOptions, era: Era | undefined): ConnectOptions {
  let prior: PriorDiscovery | undefined;
  if (era === 'legacy') prior = { kind: 'legacy' };
  else if (protocol === 'modern')
    prior = {
      kind: 'modern',
      discover: {
        supportedVersions: [modernVersion],
        capabilities: { tools: {}, resources: {}, prompts: {} },
        ttlMs: 0,
        cacheScope: 'private',
      } as unknown as Extract<PriorDiscovery, { kind: 'modern' }>['discover'],
    };
  return { timeout: connectTimeoutMs, ...(prior ? { prior } : {}) };
}

function makeTransport(options: ResolvedConnectOptions): Transport {
  if (options.command !== undefined)
    return createProcessTransport({
      command: {
        command: options.command,
        args: options.args,
        env: options.env,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      spawn: options.spawn,
      clock: options.clock,
      maxMessageBytes: options.maxMessageBytes,
    });
  return new StreamableHTTPClientTransport(new URL(options.url ?? ''), {
    fetch: httpFetch(options),
    ...(options.headers ? { requestInit: { headers: { ...options.headers } } } : {}),
  });
}

function httpFetch(options: ResolvedConnectOptions): typeof globalThis.fetch {
  const bounded = boundedFetch(options.fetch, options.maxMessageBytes);
  return options.authorization ? authorizedFetch(bounded, options.url ?? '', options.authorization) : bounded;
}

async function withDeadline<Value>(
  work: Promise<Value>,
  { clock, connectTimeoutMs, name }: ResolvedConnectOptions,
  signal?: AbortSignal,
): Promise<Value> {
  let stop: () => void = () => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const abort = (): void => reject(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const cancel = clock.schedule(connectTimeoutMs, () =>
      reject(new GenieError('GENIE_MCP_TIMEOUT', `The server ${name} did not answer in ${connectTimeoutMs} ms.`)),
    );
    stop = () => {
      cancel();
      signal?.removeEventListener('abort', abort);
    };
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop();
  }
}

/** Adds what the program itself said. */
function explain(error: unknown, transport: Transport, { name }: ResolvedConnectOptions): unknown {
  const complaints = 'complaints' in transport ? (transport as ProcessTransport).complaints.trim() : '';
  if (complaints === '' || genieCause(error)) return error;
  return new GenieError(
    'GENIE_MCP_CONNECTION',
    `The server ${name} cannot be used: ${describeThrown(error)}. It wrote: ${complaints.slice(-500)}`,
    { cause: error },
  );
}
