import type { JsonValue, Tool } from '@genie/core';
import { toErrorRecord } from '@genie/core/errors';
import { z } from 'zod';
import { toolContext } from '../testing/tool-context.ts';
import type { FromDevice } from './device-messages.ts';

const toDevice = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('tool.call'),
    requestId: z.string().max(200),
    tool: z.string().max(100),
    input: z.json(),
  }),
  z.object({ type: z.literal('tool.cancel'), requestId: z.string().max(200) }),
]);

export interface DeviceClientOptions {
  readonly tools: readonly Tool[];
  /** Gives a message to the connection; called also while there is none (it may throw, the answer is kept). */
  readonly send: (message: FromDevice) => void;
  /** How many answers are remembered for calls that come again. Default 200. */
  readonly remembered?: number;
}

/** The device's side: runs tools where the user's data is. */
export interface DeviceClient {
  /** A message of the runtime arrived. False when it is none. */
  receive(message: unknown): boolean;
  close(): void;
}

/**
 * Creates it. A call that arrives again (the connection was lost before the answer) is not made again: its answer is
 * sent again, or waited for.
 */
export function createDeviceClient(options: DeviceClientOptions): DeviceClient {
  const tools = new Map(options.tools.map((tool) => [tool.name, tool]));
  const answers = new Map<string, FromDevice>();
  const running = new Map<string, AbortController>();
  const send = (message: FromDevice) => {
    try {
      options.send(message);
    } catch {
      // No connection now; the runtime asks again.
    }
  };

  const run = async (requestId: string, name: string, input: JsonValue) => {
    const abort = new AbortController();
    running.set(requestId, abort);
    const progress = (message: string, fraction?: number) =>
      send({
        type: 'tool.progress',
        requestId,
        message: message.slice(0, 2000),
        ...(fraction === undefined ? {} : { fraction }),
      });
    const reply = await work(tools.get(name), input, { requestId, name, signal: abort.signal, progress });
    running.delete(requestId);
    answers.set(requestId, reply);
    for (const old of answers.keys()) {
      if (answers.size <= (options.remembered ?? 200)) break;
      answers.delete(old);
    }
    send(reply);
  };

  return {
    receive(raw) {
      const message = toDevice.safeParse(raw);
      if (!message.success) return false;
      const { requestId } = message.data;
      if (message.data.type === 'tool.cancel') running.get(requestId)?.abort();
      else {
        const known = answers.get(requestId);
        if (known) send(known);
        else if (!running.has(requestId)) void run(requestId, message.data.tool, message.data.input);
      }
      return true;
    },
    close() {
      for (const abort of running.values()) abort.abort();
    },
  };
}

interface Work {
  readonly requestId: string;
  readonly name: string;
  readonly signal: AbortSignal;
  readonly progress: (message: string, fraction?: number) => void;
}

async function work(
  tool: Tool | undefined,
  input: JsonValue,
  { requestId, name, signal, progress }: Work,
): Promise<FromDevice> {
  try {
    if (!tool) throw new Error(`this device has no tool ${JSON.stringify(name)}`);
    const checked = await tool.input['~standard'].validate(input);
    if (checked.issues) throw new Error(`the arguments do not fit: ${checked.issues[0]?.message}`);
    const value = await tool.run(checked.value, toolContext({ tool: name, callId: requestId, signal, progress }));
    return { type: 'tool.result', requestId, value: JSON.parse(JSON.stringify(value ?? null)) };
  } catch (error) {
    const { code, message } = toErrorRecord(error, 'GENIE_DEVICE_FAILED');
    return { type: 'tool.failed', requestId, error: { code, message: message.slice(0, 10_000) } };
  }
}
