import { GenieError } from '@genie/core/errors';
import type { Approvals, Clock, LanguageModel } from '@genie/core/ports';
import { systemClock } from '@genie/core/ports';
import { createMemoryMcpStore, type McpStore } from './mcp-store.ts';
import type { McpAuthorization } from './oauth-fetch.ts';
import type { SpawnProcess } from './owned-process.ts';
import { spawnProcess } from './owned-process.ts';

export interface ConnectMcpOptions {
  /** Prefix of the tool names, 1 to 24 letters, digits, `_` or `-`. */
  readonly name: string;
  /** A program that speaks over its standard input and output. Either this or `url`. */
  readonly command?: string;
  readonly args?: readonly string[];
  /** The whole environment of the program; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Starts the program some other way, e.g. in a sandbox. */
  readonly spawn?: SpawnProcess;
  /** A server over Streamable HTTP; the older HTTP with events is tried when it is not spoken. */
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The way out for `url`: pass the egress filter's fetch. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  readonly authorization?: McpAuthorization;
  /** `auto` asks the server. `modern` takes 2026-07-28 for granted and saves the question, `legacy` never asks. */
  readonly protocol?: 'auto' | 'modern' | 'legacy';
  /** Changed tools and questions of the server to the user go here. Without it both are refused. */
  readonly approvals?: Approvals;
  readonly genieId?: string;
  /** Answers what the server asks of a model. Without it the server is told that there is none. */
  readonly model?: LanguageModel;
  /** Most questions to the model in a minute. Default 10. */
  readonly maxSamplingPerMinute?: number;
  /** Most questions to the model in an hour, over all connections to the server. Default 100. */
  readonly maxSamplingPerHour?: number;
  /** Folders that the server may know of, as `file:` addresses. */
  readonly roots?: readonly { readonly uri: string; readonly name?: string }[];
  /** Where accepted tools and the protocol verdict are remembered. Default: in memory. */
  readonly store?: McpStore;
  /** Silence after which a call is given up and the breaker opens. Default 15,000. */
  readonly stallMs?: number;
  /** The transport's own limit. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Default 30,000. */
  readonly connectTimeoutMs?: number;
  /** An unused program is ended after this and started again when needed. Default 5 minutes; `Infinity` for never. */
  readonly idleMs?: number;
  /** How long an open breaker refuses at first. Default 2,000. */
  readonly breakerOpenMs?: number;
  /** Attempts to connect anew before a call fails. Default 4. */
  readonly maxAttempts?: number;
  /** Largest message. Default 10 MiB. */
  readonly maxMessageBytes?: number;
  /** Most messages a second that nobody asked for. Default 1,000. */
  readonly maxMessagesPerSecond?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Failures outside of a call. */
  readonly onError?: (error: Error) => void;
}

export type ResolvedConnectOptions = Required<
  Omit<
    ConnectMcpOptions,
    'command' | 'url' | 'cwd' | 'headers' | 'authorization' | 'approvals' | 'model' | 'roots' | 'signal' | 'onError'
  >
> &
  Pick<
    ConnectMcpOptions,
    'command' | 'url' | 'cwd' | 'headers' | 'authorization' | 'approvals' | 'model' | 'roots' | 'signal' | 'onError'
  >;

/** Throws `GENIE_OPTIONS_INVALID`. */
export function resolveConnectOptions(options: ConnectMcpOptions): ResolvedConnectOptions {
  if (!/^[A-Za-z0-9_-]{1,24}$/.test(options.name))
    throw invalid(`"name" is ${JSON.stringify(options.name)}: use 1 to 24 letters, digits, "_" or "-"`);
  if ((options.command === undefined) === (options.url === undefined))
    throw invalid(`server "${options.name}" needs either "command" or "url"`);
  if (options.url !== undefined && !/^https?:$/.test(protocolOf(options.url)))
    throw invalid(`"url" is ${JSON.stringify(options.url)}: use an http or https address`);
  const { stallMs = 15_000, requestTimeoutMs = 30_000 } = options;
  if (!(stallMs > 0 && stallMs < requestTimeoutMs))
    throw invalid(`"stallMs" is ${stallMs}: use a number below "requestTimeoutMs" (${requestTimeoutMs})`);
  return {
    args: [],
    env: {},
    spawn: spawnProcess,
    fetch: globalThis.fetch,
    protocol: 'auto',
    genieId: 'genie',
    maxSamplingPerMinute: 10,
    maxSamplingPerHour: 100,
    store: createMemoryMcpStore(),
    connectTimeoutMs: 30_000,
    idleMs: 5 * 60_000,
    breakerOpenMs: 2_000,
    maxAttempts: 4,
    maxMessageBytes: 10 * 1024 * 1024,
    maxMessagesPerSecond: 1_000,
    clock: systemClock,
    ...options,
    stallMs,
    requestTimeoutMs,
  };
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}

function invalid(reason: string): GenieError {
  return new GenieError('GENIE_OPTIONS_INVALID', `connectMcp: ${reason}.`);
}
