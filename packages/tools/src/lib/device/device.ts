import type { JsonValue, Tool, ToolContext } from '@genie/core';
import { GenieError, type GenieErrorCode } from '@genie/core/errors';
import { type FromDevice, fromDevice, type ToDevice } from './device-messages.ts';

/** What a tool on a device looks like to the runtime: everything but the work. */
export type DeviceToolDeclaration = Omit<Tool, 'run' | 'timeoutMs'> & { readonly timeoutMs?: number };

export interface DeviceOptions {
  /** For messages to people, e.g. `Ada's laptop`. */
  readonly name: string;
  readonly tools: readonly DeviceToolDeclaration[];
  /** How long a call may take, reconnects included. Default 30,000. */
  readonly timeoutMs?: number;
}

/** One device of a user. Its connection may come and go; calls wait for it and survive it. */
export interface Device {
  readonly tools: readonly Tool[];
  /** A connection is there: calls in flight are sent again. Returns what to call when it is gone. */
  attach(send: (message: ToDevice) => void): () => void;
  /** A message arrived. Anything that is none of ours is dropped; false then. */
  receive(message: unknown): boolean;
  readonly isConnected: boolean;
  /** Calls without an answer yet. */
  readonly inFlight: number;
  /** Fails every call in flight. */
  close(): void;
}

interface Pending {
  readonly message: ToDevice;
  readonly context: ToolContext;
  resolve(value: JsonValue): void;
  reject(error: unknown): void;
}

/**
 * Creates the runtime's side of a device. Errors of a call by code: `GENIE_DEVICE_TIMEOUT` (no answer in time, or never
 * connected), `GENIE_DEVICE_FAILED` (the device said so), `GENIE_DEVICE_CLOSED`. A result is checked against the tool's
 * `output`: `GENIE_DEVICE_RESULT`.
 */
export function createDevice(options: DeviceOptions): Device {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const pending = new Map<string, Pending>();
  let send: ((message: ToDevice) => void) | undefined;

  const request = (tool: DeviceToolDeclaration, input: JsonValue, context: ToolContext): Promise<JsonValue> => {
    context.signal.throwIfAborted();
    // A journal that resumes a run names the same call, so the device recognises it.
    const requestId = `${context.runId}:${context.callId}`;
    if (pending.has(requestId))
      throw failure('GENIE_DEVICE_FAILED', options.name, `the call ${requestId} is already in flight`);
    return new Promise<JsonValue>((resolve, reject) => {
      const message: ToDevice = { type: 'tool.call', requestId, tool: tool.name, input };
      const limitMs = tool.timeoutMs ?? timeoutMs;
      const timer = setTimeout(
        () =>
          end(
            failure(
              'GENIE_DEVICE_TIMEOUT',
              options.name,
              `"${tool.name}" gave no answer within ${limitMs} ms${send ? '' : ' (it is not connected)'}`,
            ),
          ),
        limitMs,
      );
      const onAbort = () => end(context.signal.reason);
      const release = () => {
        clearTimeout(timer);
        context.signal.removeEventListener('abort', onAbort);
        pending.delete(requestId);
      };
      const end = (error: unknown) => {
        release();
        deliver({ type: 'tool.cancel', requestId });
        reject(error);
      };
      context.signal.addEventListener('abort', onAbort, { once: true });
      pending.set(requestId, {
        message,
        context,
        resolve: (value) => {
          release();
          resolve(value);
        },
        reject: (error) => {
          release();
          reject(error);
        },
      });
      deliver(message);
    });
  };

  const deliver = (message: ToDevice) => {
    try {
      send?.(message);
    } catch {
      // A connection that breaks while sending is reported by whoever owns it; the call is sent again with the next one.
    }
  };

  return {
    tools: options.tools.map((tool) => deviceTool(tool, tool.timeoutMs ?? timeoutMs, request)),
    attach(newSend) {
      send = newSend;
      for (const { message } of pending.values()) deliver(message);
      return () => {
        if (send === newSend) send = undefined;
      };
    },
    receive(raw) {
      const message = fromDevice.safeParse(raw);
      const call = message.success ? pending.get(message.data.requestId) : undefined;
      if (message.success && call) answer(call, message.data, options.name);
      return call !== undefined;
    },
    get isConnected() {
      return send !== undefined;
    },
    get inFlight() {
      return pending.size;
    },
    close() {
      for (const call of pending.values())
        call.reject(failure('GENIE_DEVICE_CLOSED', options.name, 'it was signed off'));
      send = undefined;
    },
  };
}

function answer(call: Pending, message: FromDevice, name: string): void {
  switch (message.type) {
    case 'tool.result':
      call.resolve(message.value);
      return;
    case 'tool.failed':
      call.reject(failure('GENIE_DEVICE_FAILED', name, `${message.error.message} (${message.error.code})`));
      return;
    case 'tool.progress':
      call.context.progress(message.message, message.fraction);
      return;
    default:
      message satisfies never;
  }
}

type Request = (tool: DeviceToolDeclaration, input: JsonValue, context: ToolContext) => Promise<JsonValue>;

function deviceTool(declared: DeviceToolDeclaration, timeoutMs: number, request: Request): Tool {
  const { output, ...rest } = declared;
  return {
    ...rest,
    // The getter of a lazily derived schema would be lost by spreading.
    inputJsonSchema: declared.inputJsonSchema,
    // The device's own limit names the reason; the loop's comes a moment later.
    timeoutMs: timeoutMs + 1000,
    async run(input, context) {
      const value = await request(declared, input as JsonValue, context);
      if (!output) return value;
      const checked = await output['~standard'].validate(value);
      if (!checked.issues) return checked.value;
      throw new GenieError(
        'GENIE_DEVICE_RESULT',
        `"${declared.name}" on a device gave a result of another form than declared: ${checked.issues[0]?.message}.`,
      );
    },
  };
}

function failure(code: GenieErrorCode, name: string, reason: string): GenieError {
  return new GenieError(code, `The device "${name}" did not do it: ${reason}.`);
}
