import { randomUUID } from 'node:crypto';
import type { Clock } from '@genie/core';
import { type McpServer as SdkServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { buildSdkServer } from '../server/build-sdk-server.ts';
import type { McpServer } from '../server/create-mcp-server.ts';
import { createEventLog } from './event-log.ts';
import { refusal } from './guard-request.ts';

export interface LegacySessionOptions {
  readonly clock: Clock;
  readonly maxSessions: number;
  readonly idleMs: number;
  readonly maxBodyBytes: number;
}

export interface LegacySessions {
  handle(request: Request): Promise<Response>;
  readonly size: number;
  close(): Promise<void>;
}

interface Session {
  readonly sdk: SdkServer;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  lastUsedAt: number;
  /** Requests whose answer is still being sent. Such a session is never dropped. */
  busy: number;
}

/**
 * Sessions of clients before 2026-07-28. Their number is bounded: the one unused for longest makes room, a client whose
 * session is gone starts another one, as the protocol has it (404).
 */
export function createLegacySessions(definition: McpServer, options: LegacySessionOptions): LegacySessions {
  const sessions = new Map<string, Session>();
  let opening = 0;
  const drop = (id: string): void => {
    const session = sessions.get(id);
    sessions.delete(id);
    session?.sdk.close().catch(() => undefined);
  };
  const dropIdle = (): void => {
    const oldest = options.clock.elapsed() - options.idleMs;
    for (const [id, session] of sessions) if (session.busy === 0 && session.lastUsedAt < oldest) drop(id);
  };
  const makeRoom = (): boolean => {
    dropIdle();
    if (sessions.size + opening < options.maxSessions) return true;
    // A map keeps the order of insertion, and every use inserts anew: the first idle one is the least recently used.
    for (const [id, session] of sessions) {
      if (session.busy > 0) continue;
      drop(id);
      return true;
    }
    return false;
  };
  const use = async (id: string, session: Session, request: Request): Promise<Response> => {
    sessions.delete(id);
    sessions.set(id, session);
    session.lastUsedAt = options.clock.elapsed();
    session.busy += 1;
    try {
      return whenSent(await session.transport.handleRequest(request), () => {
        session.busy -= 1;
        session.lastUsedAt = options.clock.elapsed();
      });
    } catch (error) {
      session.busy -= 1;
      throw error;
    }
  };
  return {
    async handle(request) {
      const id = request.headers.get('mcp-session-id');
      if (id !== null) {
        const session = sessions.get(id);
        return session ? use(id, session, request) : refusal(404, 'Session not found');
      }
      if (request.method !== 'POST') return refusal(400, 'Bad Request: Mcp-Session-Id header is required');
      if (!makeRoom()) return refusal(503, `All ${options.maxSessions} sessions are in use.`, { 'retry-after': '5' });
      // Those that are being opened count: a client that opens a thousand at once finds room for as many as there is.
      opening += 1;
      return openSession(definition, options, { request, sessions, drop }).finally(() => {
        opening -= 1;
      });
    },
    get size() {
      return sessions.size;
    },
    async close() {
      for (const id of [...sessions.keys()]) drop(id);
    },
  };
}

interface Opening {
  readonly request: Request;
  readonly sessions: Map<string, Session>;
  readonly drop: (id: string) => void;
}

async function openSession(
  definition: McpServer,
  { clock, maxBodyBytes }: LegacySessionOptions,
  { request, sessions, drop }: Opening,
): Promise<Response> {
  const sdk = buildSdkServer(definition, 'legacy');
  let opened: Session | undefined;
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: createEventLog(),
    retryInterval: 500,
    maxRequestBodySize: maxBodyBytes,
    onsessioninitialized: (id) => {
      opened = { sdk, transport, lastUsedAt: clock.elapsed(), busy: 1 };
      sessions.set(id, opened);
    },
    onsessionclosed: drop,
  });
  await sdk.connect(transport);
  const response = await transport.handleRequest(request);
  if (!opened) {
    await sdk.close();
    return response;
  }
  const session = opened;
  return whenSent(response, () => {
    session.busy -= 1;
    session.lastUsedAt = clock.elapsed();
  });
}

/** Calls back once the body was sent, was cancelled or never existed. */
function whenSent(response: Response, done: () => void): Response {
  if (!response.body) {
    done();
    return response;
  }
  const reader = response.body.getReader();
  let open = true;
  const finish = (): void => {
    if (open) done();
    open = false;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done: ended } = await reader.read();
      if (value) controller.enqueue(value);
      if (!ended) return;
      finish();
      controller.close();
    },
    async cancel(reason) {
      finish();
      await reader.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
