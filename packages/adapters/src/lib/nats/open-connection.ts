import { describeThrown, GenieError } from '@genie/core/errors';
import { loadPeer } from '../load-peer.ts';
import type { NatsBusOptions, NatsConnectionLike } from './nats-bus-options.ts';

export interface OpenNats {
  readonly connection: NatsConnectionLike;
  readonly jetstream: typeof import('@nats-io/jetstream');
  close(): Promise<void>;
}

const version = '^3.4.0';

/** Throws `GENIE_ADAPTER_PEER` and `GENIE_BUS_FAILED`. */
export async function openNatsConnection(options: NatsBusOptions): Promise<OpenNats> {
  const jetstream = await loadPeer('@nats-io/jetstream', version, () => import('@nats-io/jetstream'));
  if (options.connection) return { connection: options.connection, jetstream, close: async () => undefined };
  const { connect } = await loadPeer('@nats-io/transport-node', version, () => import('@nats-io/transport-node'));
  const { servers = 'nats://127.0.0.1:4222', token, user, password } = options;
  try {
    const connection = await connect({
      servers: typeof servers === 'string' ? servers : [...servers],
      ...(token === undefined ? {} : { token }),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { pass: password }),
      timeout: 5_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      name: 'genie',
    });
    return { connection, jetstream, close: () => connection.close() };
  } catch (error) {
    throw new GenieError('GENIE_BUS_FAILED', `NATS: cannot connect to ${String(servers)}: ${describeThrown(error)}.`, {
      cause: error,
    });
  }
}
