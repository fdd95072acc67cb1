import type { JsonObject } from '@genie/core';
import {
  CLIENT_CAPABILITIES_META_KEY,
  type McpServer as SdkServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { isRecord } from '../content.ts';
import { answersOrThrow, type McpCallContext, requireAskable } from './call-context.ts';
import type { McpServer } from './create-mcp-server.ts';

export interface RequestParts {
  readonly definition: McpServer;
  readonly sdk: SdkServer;
  readonly era: 'modern' | 'legacy';
  readonly request: ServerContext;
  /** Answers of this and earlier rounds, by key. Untrusted. */
  readonly answers: Readonly<Record<string, unknown>>;
}

/** What a handler sees of one request. */
export function toCallContext(parts: RequestParts): McpCallContext {
  const { sdk, era, request } = parts;
  const declared = declaredCapabilities(parts);
  return {
    callId: parts.definition.ids.next('mcpcall'),
    era,
    ...(request.sessionId === undefined ? {} : { sessionId: request.sessionId }),
    clientCapabilities: declared,
    signal: request.mcpReq.signal,
    async progress(done, total, message) {
      const token = request.mcpReq._meta?.progressToken;
      if (token === undefined) return;
      await request.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: token, progress: done, total, message },
      });
    },
    async log(level, data, logger) {
      if (era === 'modern' || sdk.isConnected()) await request.mcpReq.log(level, data, logger);
    },
    async ask(questions) {
      if (era === 'modern') requireAskable(declared, questions);
      return answersOrThrow(questions, parts.answers);
    },
    closeStream: () => request.http?.closeSSE?.(),
  };
}

/** What the client said that it can do: with the request in the modern era, at the handshake before. */
export function declaredCapabilities(parts: Pick<RequestParts, 'sdk' | 'era' | 'request'>): JsonObject {
  const envelope: Readonly<Record<string, unknown>> = parts.request.mcpReq.envelope ?? {};
  const own =
    parts.era === 'modern' ? envelope[CLIENT_CAPABILITIES_META_KEY] : parts.sdk.server.getClientCapabilities();
  return isRecord(own) ? own : {};
}
