import type { Toolbox } from '@genie/core';

/** A server as a toolbox. The list follows the server; what the user has not accepted is not in it. */
export interface McpConnection extends Toolbox {
  readonly name: string;
  /** What the server calls itself. */
  readonly serverName: string | undefined;
  readonly protocolVersion: string | undefined;
  /** How the server wants to be used, in its own words. */
  readonly instructions: string | undefined;
  readonly isConnected: boolean;
  /** Process id of a server that is a program. */
  readonly pid: number | undefined;
  /** Tools that are not offered, and why. */
  readonly withheld: readonly { readonly name: string; readonly reason: string }[];
  /** Reads the server's lists anew. */
  refresh(): Promise<void>;
  /** Called when the list of tools changed; returns the way to stop. */
  onChange(listener: () => void): () => void;
  /** Ends the connection and the program. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
