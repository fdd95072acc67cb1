import { setTimeout as pause } from 'node:timers/promises';
import { describeThrown } from '@genie/core/errors';
import type { SubscribeOptions } from '@genie/core/ports';
import type { ConsumerInfo, ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream';

const nanos = 1_000_000;
const retryMs = 500;

export interface SubscriptionDeps {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly stream: string;
  readonly subscription: SubscribeOptions;
  readonly ackWaitMs: number;
  /** Makes the streams again when the server has lost them. */
  readonly prepareStreams: () => Promise<void>;
  /** Never rejects. */
  readonly deliver: (message: JsMsg, consumer: string) => Promise<void>;
}

/**
 * Hands out messages until the returned function is called, which waits for those under way. A consumer that the server has lost (it was deleted, or nobody
 * was connected for longer than it waits) is made again where it was. Rejects when it cannot be made the first time.
 */
export async function openSubscription(deps: SubscriptionDeps): Promise<() => Promise<void>> {
  const { client, manager, stream, subscription } = deps;
  const { durable, concurrency = 16 } = subscription;
  const underWay = new Map<Promise<void>, number>();
  let consumer = await addConsumer(deps, { deliver_policy: 'new' });
  let seen = consumer.delivered.stream_seq;
  let isClosed = false;
  let messages = await open();

  function open(): Promise<ConsumerMessages> {
    return client.consumers
      .get(stream, consumer.name)
      .then((one) => one.consume({ max_messages: concurrency, expires: 5_000, abort_on_missing_resource: true }));
  }

  async function read(): Promise<void> {
    for await (const message of messages) {
      seen = Math.max(seen, message.seq);
      const done: Promise<void> = deps.deliver(message, consumer.name).finally(() => underWay.delete(done));
      underWay.set(done, message.seq);
      if (underWay.size >= concurrency) await Promise.race(underWay.keys());
    }
  }

  async function reopen(): Promise<void> {
    // A server removes files of what is gone a little after it said so; nothing of the same name must be made among them.
    await pause(retryMs);
    await deps.prepareStreams();
    // What is under way was not answered yet, and its answer would go to the consumer that is gone.
    const next = Math.min(seen + 1, ...underWay.values());
    const { state } = await manager.streams.info(stream);
    if (state.last_seq < seen) seen = 0;
    consumer =
      (await findConsumer(deps)) ??
      (await addConsumer(
        deps,
        state.last_seq + 1 < next
          ? { deliver_policy: 'all' }
          : { deliver_policy: 'by_start_sequence', opt_start_seq: next },
      ));
    messages = await open();
  }

  const reading = (async () => {
    while (!isClosed) {
      await read().catch(() => undefined);
      while (!isClosed) {
        try {
          await reopen();
          break;
        } catch {
          // Tried again, after its pause.
        }
      }
    }
    await messages.close();
  })();
  return async () => {
    isClosed = true;
    await messages.close();
    await reading;
    await Promise.all(underWay.keys());
    if (durable === undefined) await manager.consumers.delete(stream, consumer.name).catch(() => undefined);
  };
}

type Start =
  | { readonly deliver_policy: 'new' | 'all' }
  | { readonly deliver_policy: 'by_start_sequence'; readonly opt_start_seq: number };

function addConsumer(
  { manager, stream, subscription, ackWaitMs }: SubscriptionDeps,
  start: Start,
): Promise<ConsumerInfo> {
  const { durable, subject } = subscription;
  return manager.consumers.add(stream, {
    ...(durable === undefined ? { inactive_threshold: 60_000 * nanos } : { durable_name: durable }),
    filter_subject: subject,
    ack_policy: 'explicit',
    ...start,
    ack_wait: ackWaitMs * nanos,
    max_ack_pending: 1_000,
  });
}

/** The consumer of a durable name, when the server still has it: another process may have made it again. */
async function findConsumer({ manager, stream, subscription }: SubscriptionDeps): Promise<ConsumerInfo | undefined> {
  const { durable } = subscription;
  if (durable === undefined) return undefined;
  try {
    return await manager.consumers.info(stream, durable);
  } catch (error) {
    if (/not found/i.test(describeThrown(error))) return undefined;
    throw error;
  }
}
