import type { JsonValue } from '@genie/core';
import { z } from 'zod';

/** What the runtime tells a plugin's process. */
export type ToPlugin =
  | {
      readonly type: 'load';
      readonly entry: string;
      readonly config: JsonValue;
      readonly allowedModules: readonly string[];
    }
  | {
      readonly type: 'call';
      readonly id: number;
      readonly tool: string;
      readonly input: JsonValue;
      readonly run: { readonly runId: string; readonly callId: string; readonly genieId: string };
    }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'fetched'; readonly fetchId: number; readonly response: FetchedResponse }
  | {
      readonly type: 'fetch-failed';
      readonly fetchId: number;
      readonly error: { readonly code: string; readonly message: string };
    };

export interface FetchedResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Base64. */
  readonly body: string;
}

const error = z.object({ code: z.string().max(100), message: z.string() });

/** What a plugin's process tells the runtime. It is not trusted, so every message is checked. */
export const fromPlugin = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), tools: z.array(z.string().max(100)).max(200) }),
  z.object({ type: z.literal('load-failed'), message: z.string() }),
  z.object({ type: z.literal('result'), id: z.number(), value: z.unknown() }),
  z.object({ type: z.literal('failed'), id: z.number(), error }),
  z.object({ type: z.literal('progress'), id: z.number(), message: z.string(), fraction: z.number().optional() }),
  z.object({
    type: z.literal('fetch'),
    id: z.number(),
    fetchId: z.number(),
    url: z.string().max(8192),
    method: z.string().max(20),
    headers: z.array(z.tuple([z.string(), z.string()])).max(100),
    body: z.string().optional(),
  }),
]);

export type FromPlugin = z.infer<typeof fromPlugin>;
