import type { ChildProcess } from 'node:child_process';
import type { Clock } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import {
  deserializeMessage,
  type JSONRPCMessage,
  serializeMessage,
  type Transport,
} from '@modelcontextprotocol/client';
import { endProcess, type OwnedProcess, type ProcessCommand, type SpawnProcess } from './owned-process.ts';
import { readLines } from './read-lines.ts';

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
  /** Why this side ended the connection, where it did because of what the server sent. */
  readonly failure: GenieError | undefined;
  /** Ends the program at once, without asking it to: it sends what cannot be borne. */
  cutOff(reason: GenieError): void;
  /** Called for every line that is no message. */
  onstray?: () => void;
}

const maxComplaints = 4_000;

/** Lines of JSON over the pipes of a process that belongs to this connection alone and ends with it. */
export function createProcessTransport(options: ProcessTransportOptions): ProcessTransport {
  let owned: OwnedProcess | undefined;
  let complaints = '';
  let closing: Promise<void> | undefined;
  let failure: GenieError | undefined;
  const lines = readLines(options.maxMessageBytes, (line) => {
    if (closing === undefined) readMessage(transport, line);
  });
  const transport: ProcessTransport = {
    get pid() {
      return owned?.child.pid;
    },
    get complaints() {
      return complaints;
    },
    get failure() {
      return failure;
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
    cutOff(reason) {
      failure ??= reason;
      transport.onerror?.(reason);
      owned?.kill('SIGKILL');
      void transport.close();
    },
    send: (message) => write(owned?.child, message),
    close() {
      closing ??= (async () => {
        if (owned) await endProcess(owned, options.clock);
        lines.clear();
        transport.onclose?.();
      })();
      return closing;
    },
  };
  const receive = (chunk: Buffer): void => {
    // A server that is being ended may go on writing; that is read, so that it can end, and forgotten.
    if (closing !== undefined) return;
    try {
      lines.push(chunk);
    } catch (error) {
      if (!GenieError.isInstance(error)) throw error;
      transport.cutOff(error);
    }
  };
  return transport;
}

/** Some programs also write what they log to standard output: such lines are left out. */
function readMessage(transport: ProcessTransport, line: string): void {
  let message: JSONRPCMessage;
  try {
    message = deserializeMessage(line);
  } catch (error) {
    transport.onstray?.();
    if (!(error instanceof SyntaxError))
      transport.onerror?.(new Error('The server sent what is no message.', { cause: error }));
    return;
  }
  transport.onmessage?.(message);
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
