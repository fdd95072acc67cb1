import type { Clock } from '@genie/core/ports';
import type { BusCatalogue } from '../bus/catalogue.ts';

/** The part of a NATS connection that is looked at here; JetStream takes it as it is. */
export interface NatsConnectionLike {
  readonly info?: { readonly max_payload: number } | undefined;
  close(): Promise<void>;
  isClosed(): boolean;
}

export interface NatsBusOptions {
  /** Servers to connect to, `nats://host:4222`. Give these or `connection`. */
  readonly servers?: string | readonly string[];
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** A connection of `@nats-io/transport-node` of yours. It stays yours. */
  readonly connection?: NatsConnectionLike;
  /** First word of every subject. Default `genie`. */
  readonly domain?: string;
  /** Name of the stream. Default `GENIE`. */
  readonly stream?: string;
  /** Default: the events of the catalogue. */
  readonly catalogue?: BusCatalogue;
  /** How long messages are kept. Default 7 days. */
  readonly retentionMs?: number;
  /** How long an id is remembered. Default 120,000. */
  readonly duplicateWindowMs?: number;
  /** After how long without an answer a message goes to another server. Default 30,000. */
  readonly ackWaitMs?: number;
  /** Pause before a message is delivered again. Default 100, doubled each time up to 5,000. */
  readonly retryDelayMs?: number;
  /** How long `publish` tries again while the servers are away. Default 10,000. */
  readonly publishTimeoutMs?: number;
  /** After how long without a sign of life a presence ends. Default 15,000. */
  readonly presenceTtlMs?: number;
  /** Copies of the stream in a cluster. Default 1. */
  readonly replicas?: number;
  readonly clock?: Clock;
}
