import type { JsonValue } from '@genie/core';
import { z } from 'zod';

/** From the runtime to a device. `requestId` is the same when a call is sent again after a reconnect. */
export type ToDevice =
  | { readonly type: 'tool.call'; readonly requestId: string; readonly tool: string; readonly input: JsonValue }
  | { readonly type: 'tool.cancel'; readonly requestId: string };

const requestId = z.string().min(1).max(200);

/** From a device to the runtime; checked, because a device is not trusted. */
export const fromDevice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('tool.result'), requestId, value: z.json() }),
  z.object({
    type: z.literal('tool.failed'),
    requestId,
    error: z.object({ code: z.string().max(100), message: z.string().max(10_000) }),
  }),
  z.object({
    type: z.literal('tool.progress'),
    requestId,
    message: z.string().max(2000),
    fraction: z.number().min(0).max(1).optional(),
  }),
]);

export type FromDevice = z.infer<typeof fromDevice>;
