import type { ChildProcess } from 'node:child_process';
import type { JsonValue, ToolContext } from '@genie/core';
import { GenieError, type GenieErrorCode, toErrorRecord } from '@genie/core/errors';
import { type FromPlugin, fromPlugin, type ToPlugin } from './plugin-messages.ts';
import { type PluginIsolation, type PluginProcessOptions, startPluginProcess } from './plugin-process.ts';

export interface PluginChannelOptions {
  readonly id: string;
  readonly process: PluginProcessOptions;
  readonly load: Extract<ToPlugin, { type: 'load' }>;
}

/** The runtime's side of one plugin: one process, started when it is needed, restarted after a crash. */
export interface PluginChannel {
  /** Starts the process; gives the names of the tools it offers. */
  start(): Promise<readonly string[]>;
  call(tool: string, input: JsonValue, context: ToolContext): Promise<unknown>;
  isolation(): PluginIsolation | undefined;
  close(): Promise<void>;
}

interface Pending {
  readonly context: ToolContext;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Running {
  readonly child: ChildProcess;
  readonly isolation: PluginIsolation;
  readonly ready: Promise<readonly string[]>;
  readonly pending: Map<number, Pending>;
}

const startMs = 10_000;
/** How long a plugin may take to obey an abort before its process is ended. */
const obeyMs = 1000;
const maxFetchBytes = 10 * 1024 * 1024;

export function createPluginChannel(options: PluginChannelOptions): PluginChannel {
  let running: Running | undefined;
  let calls = 0;
  let closed = false;

  const start = (): Running => {
    if (closed) throw failure('GENIE_PLUGIN_CRASHED', options.id, 'it was closed');
    if (!running || running.child.exitCode !== null || running.child.signalCode !== null) running = launch(options);
    return running;
  };

  const call: PluginChannel['call'] = async (tool, input, context) => {
    context.signal.throwIfAborted();
    const current = start();
    await current.ready;
    calls += 1;
    const id = calls;
    const run = { runId: context.runId, callId: context.callId, genieId: context.genieId };
    let late: NodeJS.Timeout | undefined;
    const onAbort = () => {
      send(current.child, { type: 'abort', id });
      late = setTimeout(() => current.child.kill('SIGKILL'), obeyMs);
    };
    try {
      return await new Promise((resolve, reject) => {
        current.pending.set(id, { context, resolve, reject });
        context.signal.addEventListener('abort', onAbort, { once: true });
        send(current.child, { type: 'call', id, tool, input, run });
      });
    } finally {
      clearTimeout(late);
      context.signal.removeEventListener('abort', onAbort);
      current.pending.delete(id);
    }
  };

  return {
    start: () => start().ready,
    call,
    isolation: () => running?.isolation,
    async close() {
      closed = true;
      const { child } = running ?? {};
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function launch(options: PluginChannelOptions): Running {
  const { child, isolation } = startPluginProcess(options.process);
  const pending = new Map<number, Pending>();
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (errors.length < 4000) errors += chunk.toString('utf8');
  });
  const ready = new Promise<readonly string[]>((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), startMs);
    const settle = () => clearTimeout(timer);
    child.on('message', (raw) => {
      const message = fromPlugin.safeParse(raw);
      if (!message.success) return;
      if (message.data.type === 'ready') resolve(message.data.tools);
      else if (message.data.type === 'load-failed')
        reject(failure('GENIE_PLUGIN_FAILED', options.id, message.data.message));
      else handle(child, pending, message.data);
      if (message.data.type === 'ready' || message.data.type === 'load-failed') settle();
    });
    child.once('error', (error) => reject(failure('GENIE_PLUGIN_FAILED', options.id, error.message)));
    child.once('exit', (code, signal) => {
      settle();
      const gone = failure(
        'GENIE_PLUGIN_CRASHED',
        options.id,
        `its process ended (${signal ?? code})${errors === '' ? '' : `: ${errors.trim().slice(-1500)}`}`,
      );
      reject(gone);
      for (const one of pending.values()) one.reject(gone);
      pending.clear();
    });
  });
  ready.catch(() => undefined);
  send(child, options.load);
  return { child, isolation, ready, pending };
}

function handle(child: ChildProcess, pending: Map<number, Pending>, message: FromPlugin): void {
  if (message.type === 'ready' || message.type === 'load-failed') return;
  const call = pending.get(message.id);
  if (!call) return;
  switch (message.type) {
    case 'result':
      call.resolve(message.value);
      return;
    case 'failed':
      call.reject(new GenieError(toCode(message.error.code), message.error.message));
      return;
    case 'progress':
      call.context.progress(message.message, message.fraction);
      return;
    case 'fetch':
      void lendFetch(child, call.context, message);
      return;
    default:
      message satisfies never;
  }
}

/** A request of the plugin, made by the runtime with the rules of the tool's context. */
async function lendFetch(
  child: ChildProcess,
  context: ToolContext,
  message: Extract<FromPlugin, { type: 'fetch' }>,
): Promise<void> {
  const { fetchId, url, method, headers, body } = message;
  try {
    const init = {
      method,
      headers,
      signal: context.signal,
      ...(body === undefined ? {} : { body: Buffer.from(body, 'base64') }),
    };
    const response = await context.fetch(url, init);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > maxFetchBytes)
        throw new GenieError('GENIE_WEB_TOO_LARGE', `${url} is larger than ${maxFetchBytes} bytes.`);
      chunks.push(chunk);
    }
    send(child, {
      type: 'fetched',
      fetchId,
      response: {
        status: response.status,
        headers: [...response.headers],
        body: Buffer.concat(chunks).toString('base64'),
      },
    });
  } catch (error) {
    const { code, message: text } = toErrorRecord(error, 'GENIE_WEB_FAILED');
    send(child, { type: 'fetch-failed', fetchId, error: { code, message: text } });
  }
}

function send(child: ChildProcess, message: ToPlugin): void {
  // A process that has just ended reports it by its exit.
  if (child.connected) child.send(message, () => undefined);
}

function toCode(code: string): GenieErrorCode {
  return /^GENIE_[A-Z_]+$/.test(code) ? (code as GenieErrorCode) : 'GENIE_PLUGIN_FAILED';
}

function failure(code: GenieErrorCode, id: string, reason: string): GenieError {
  return new GenieError(code, `The plugin "${id}" failed: ${reason}.`);
}
