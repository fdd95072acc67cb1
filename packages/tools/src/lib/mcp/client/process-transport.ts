import type { ChildProcess } from 'node:child_process';
import type { Clock } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from '@modelcontextprotocol/client';
import { endProcess, type OwnedProcess, type ProcessCommand, type SpawnProcess } from './owned-process.ts';

export interface ProcessTransportOptions {
  readonly command: ProcessCommand;
  readonly spawn: SpawnProcess;
  readonly clock: Clock;
  readonly maxMessageBytes: number;
}

export interface ProcessTransport extends Transport {
  readonly pid: number | undefined;
  /** The last lines that the server wrote to its standard error. */
  readonly complaints: string;
}

const maxComplaints = 4_000;

/** Lines of JSON over the pipes of a process that belongs to this connection alone and ends with it. */
export function createProcessTransport(options: ProcessTransportOptions): ProcessTransport {
  let owned: OwnedProcess | undefined;
  let complaints = '';
  let closing: Promise<void> | undefined;
  const buffer = new ReadBuffer({ maxBufferSize: options.maxMessageBytes });
  const transport: ProcessTransport = {
    get pid() {
      return owned?.child.pid;
    },
    get complaints() {
      return complaints;
    },
    async start() {
      // Nobody would end a process that starts after its connection was closed.
      if (closing !== undefined)
        throw new GenieError('GENIE_MCP_CONNECTION', 'The connection was closed before it started.');
      owned = options.spawn(options.command);
      const started = owned.child;
      await whenSpawned(started, options.command.command);
      started.stdout?.on('data', (chunk: Buffer) => receive(chunk));
      started.stderr?.on('data', (chunk: Buffer) => {
        complaints = (complaints + chunk.toString()).slice(-maxComplaints);
      });
      // A server that is gone makes writing fail; the exit says so already.
      started.stdin?.on('error', () => undefined);
      started.once('exit', () => void transport.close());
      started.on('error', (error) => transport.onerror?.(error));
    },
    send: (message) => write(owned?.child, message),
    close() {
      closing ??= (async () => {
        if (owned) await endProcess(owned, options.clock);
        buffer.clear();
        transport.onclose?.();
      })();
      return closing;
    },
  };
  const receive = (chunk: Buffer): void => {
    try {
      buffer.append(chunk);
    } catch (error) {
      transport.onerror?.(error instanceof Error ? error : new Error(String(error)));
      void transport.close();
      return;
    }
    while (!closing) {
      try {
        const message = buffer.readMessage();
        if (message === null) return;
        transport.onmessage?.(message);
      } catch (error) {
        transport.onerror?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
  };
  return transport;
}

function whenSpawned(child: ChildProcess, command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve());
    child.once('error', (error) =>
      reject(
        new GenieError('GENIE_MCP_CONNECTION', `The server ${command} could not be started: ${error.message}.`, {
          cause: error,
        }),
      ),
    );
  });
}

function write(child: ChildProcess | undefined, message: JSONRPCMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    const input = child?.stdin;
    if (!input?.writable) return reject(new GenieError('GENIE_MCP_CONNECTION', 'The server process is gone.'));
    // Waiting for the pipe to drain could wait for ever when the process dies; its exit fails the request anyway.
    input.write(serializeMessage(message));
    resolve();
  });
}
