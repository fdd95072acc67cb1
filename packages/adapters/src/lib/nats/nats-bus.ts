import { describeThrown, GenieError } from '@genie/core/errors';
import {
  type BusMessage,
  type Clock,
  type DeadLetter,
  type JsonValue,
  type MessageBus,
  type SubscribeOptions,
  systemClock,
} from '@genie/core/ports';
import type { JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import { closedError, fromText, type MessageRules, toText } from '../bus/bus-message.ts';
import { createCatalogue } from '../bus/catalogue.ts';
import { checkConsumer, checkPattern } from '../bus/subject.ts';
import { toMessageId } from './message-id.ts';
import type { NatsBusOptions } from './nats-bus-options.ts';
import { openNatsConnection } from './open-connection.ts';
import { openPresenceBucket, type PresenceBucket } from './presence-bucket.ts';
import { openSubscription } from './subscription.ts';

const nanos = 1_000_000;

/** The server's limit counts the header, and a dead letter is a message with its reason (1,000 characters, of 6 bytes each in JSON) around it. */
const reservedBytes = 8_192;

/**
 * The bus over NATS JetStream. Opens, and makes, its streams `<stream>` and `<stream>_DEAD`.
 *
 * Errors by code: `GENIE_ADAPTER_PEER` (a missing package), `GENIE_BUS_FAILED` (no server, no JetStream).
 */
export async function openNatsBus(options: NatsBusOptions): Promise<MessageBus> {
  const { connection, jetstream, close: closeConnection } = await openNatsConnection(options);
  try {
    const client = jetstream.jetstream(connection as never);
    const manager = await jetstream.jetstreamManager(connection as never);
    const { domain = 'genie', stream = 'GENIE' } = options;
    await prepareStreams(manager, options);
    const maxBytes = (connection.info?.max_payload ?? 1_000_000) - reservedBytes;
    const rules: MessageRules = { domain, maxBytes, catalogue: options.catalogue ?? createCatalogue({ domain }) };
    const presence = await openPresenceBucket(connection, {
      bucket: `${stream}_PRESENCE`,
      ttlMs: options.presenceTtlMs ?? 15_000,
    });
    return new NatsBus({ options, client, manager, rules, stream, presence, closeConnection });
  } catch (error) {
    await closeConnection().catch(() => undefined);
    throw GenieError.isInstance(error) ? error : failed('open the streams', error);
  }
}

async function prepareStreams(manager: JetStreamManager, options: NatsBusOptions): Promise<void> {
  const { domain = 'genie', stream = 'GENIE', retentionMs = 7 * 86_400_000, duplicateWindowMs = 120_000 } = options;
  const common = { num_replicas: options.replicas ?? 1, max_age: retentionMs * nanos };
  const wanted = [
    { ...common, name: stream, subjects: [`${domain}.>`], duplicate_window: duplicateWindowMs * nanos },
    { ...common, name: `${stream}_DEAD`, subjects: [`${domain}-dead.>`], duplicate_window: duplicateWindowMs * nanos },
  ];
  for (const config of wanted) {
    try {
      await manager.streams.info(config.name);
      await manager.streams.update(config.name, config);
    } catch (error) {
      if (!/not found/i.test(describeThrown(error))) throw error;
      await manager.streams.add(config);
    }
  }
}

interface NatsBusDeps {
  readonly options: NatsBusOptions;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly rules: MessageRules;
  readonly stream: string;
  readonly presence: PresenceBucket;
  readonly closeConnection: () => Promise<void>;
}

type Handler = (message: BusMessage) => Promise<void> | void;

class NatsBus implements MessageBus {
  readonly capabilities = { name: 'nats', durable: true };
  readonly #deps: NatsBusDeps;
  readonly #clock: Clock;
  readonly #ends = new Set<() => Promise<void>>();
  #closed = false;

  constructor(deps: NatsBusDeps) {
    this.#deps = deps;
    this.#clock = deps.options.clock ?? systemClock;
  }

  async publish(message: {
    readonly id: string;
    readonly subject: string;
    readonly payload: JsonValue;
  }): Promise<boolean> {
    this.#assertOpen();
    const text = toText(message, this.#clock.now(), this.#deps.rules);
    const { client, options } = this.#deps;
    const until = performance.now() + (options.publishTimeoutMs ?? 10_000);
    for (;;) {
      try {
        // Sending it again is safe: the server knows the id.
        const answer = await client.publish(message.subject, text, { msgID: toMessageId(message.id), timeout: 2_000 });
        return !answer.duplicate;
      } catch (error) {
        if (this.#closed) throw closedError();
        if (performance.now() + 100 > until) throw failed(`publish to "${message.subject}"`, error);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async subscribe(subscription: SubscribeOptions, handler: Handler): Promise<() => Promise<void>> {
    this.#assertOpen();
    const { rules, manager, stream, client, options } = this.#deps;
    checkPattern(subscription.subject, rules.domain);
    if (subscription.durable !== undefined) checkConsumer(subscription.durable);
    const end = await openSubscription({
      client,
      manager,
      stream,
      subscription,
      ackWaitMs: options.ackWaitMs ?? 30_000,
      prepareStreams: () => prepareStreams(manager, options),
      deliver: (message, name) => this.#deliver({ subscription, name, handler, message }),
    }).catch((error: unknown) => {
      throw failed(`subscribe to "${subscription.subject}"`, error);
    });
    const once = async (): Promise<void> => {
      if (this.#ends.delete(once)) await end();
    };
    this.#ends.add(once);
    return once;
  }

  async deadLetters(limit = 100): Promise<readonly DeadLetter[]> {
    this.#assertOpen();
    const { manager, stream } = this.#deps;
    const found: DeadLetter[] = [];
    try {
      const { state } = await manager.streams.info(`${stream}_DEAD`);
      for (let seq = state.first_seq; seq <= state.last_seq && found.length < limit; seq += 1) {
        const stored = await manager.streams.getMessage(`${stream}_DEAD`, { seq }).catch(() => null);
        if (stored) found.push(stored.json() as DeadLetter);
      }
    } catch (error) {
      throw failed('read the dead letters', error);
    }
    return found;
  }

  async announce(key: string, value: JsonValue): Promise<() => Promise<void>> {
    this.#assertOpen();
    const end = await this.#deps.presence.announce(key, value);
    const once = async (): Promise<void> => {
      if (this.#ends.delete(once)) await end();
    };
    this.#ends.add(once);
    return once;
  }

  present(): ReturnType<MessageBus['present']> {
    this.#assertOpen();
    return this.#deps.presence.present();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#ends].map((end) => end().catch(() => undefined)));
    await this.#deps.closeConnection();
  }

  /** Never rejects: what cannot be answered comes again after the waiting time. */
  async #deliver(delivery: Delivery): Promise<void> {
    const { subscription, name, handler, message } = delivery;
    const { ackWaitMs = 30_000, retryDelayMs = 100 } = this.#deps.options;
    const { maxAttempts = 5 } = subscription;
    const attempt = message.info.deliveryCount;
    const busMessage = fromText(message.string(), attempt);
    const keepAlive = setInterval(() => message.working(), Math.max(50, ackWaitMs / 3));
    try {
      if (!busMessage) return message.term('no message of this bus');
      // Servers that went away with it have used up the attempts.
      if (attempt > maxAttempts)
        return await this.#bury(busMessage, name, message, 'every server that took it went away');
      try {
        await handler(busMessage);
      } catch (error) {
        if (attempt >= maxAttempts) return await this.#bury(busMessage, name, message, describeThrown(error));
        return message.nak(Math.min(retryDelayMs * 2 ** (attempt - 1), 5_000));
      }
      await message.ackAck({ timeout: 5_000 }).catch(() => false);
    } catch {
      // The connection is gone; the server hands the message out again.
    } finally {
      clearInterval(keepAlive);
    }
  }

  async #bury(message: BusMessage, consumer: string, source: JsMsg, reason: string): Promise<void> {
    const { client, rules } = this.#deps;
    const letter: DeadLetter = { message, consumer, reason: reason.slice(0, 1_000) };
    await client.publish(`${rules.domain}-dead.${consumer}`, JSON.stringify(letter), {
      msgID: `${consumer}:${toMessageId(message.id)}`,
    });
    source.term(reason.slice(0, 100));
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError();
  }
}

interface Delivery {
  readonly subscription: SubscribeOptions;
  readonly name: string;
  readonly handler: Handler;
  readonly message: JsMsg;
}

function failed(what: string, cause: unknown): GenieError {
  return new GenieError('GENIE_BUS_FAILED', `NATS: cannot ${what}: ${describeThrown(cause)}.`, { cause });
}
