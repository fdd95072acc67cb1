import { describeThrown } from '@genie/core/errors';
import {
  type BusMessage,
  type Clock,
  type DeadLetter,
  type MessageBus,
  type SubscribeOptions,
  systemClock,
} from '@genie/core/ports';
import { closedError, fromText, type MessageRules, toText } from './bus-message.ts';
import { type BusCatalogue, createCatalogue } from './catalogue.ts';
import { checkConsumer, checkPattern, matchesSubject } from './subject.ts';

export interface MemoryBusOptions {
  /** First word of every subject. Default `genie`. */
  readonly domain?: string;
  /** Default: the events of the catalogue. */
  readonly catalogue?: BusCatalogue;
  readonly clock?: Clock;
  /** Largest message. Default 1,000,000. */
  readonly maxBytes?: number;
  /** How long an id is remembered. Default 120,000. */
  readonly duplicateWindowMs?: number;
  /** Pause before a message is delivered again. Default 100, doubled each time up to 5,000. */
  readonly retryDelayMs?: number;
}

type Handler = (message: BusMessage) => Promise<void> | void;

/** One place in the stream: a durable name, or one subscriber without. */
interface Consumer {
  readonly name: string;
  readonly options: SubscribeOptions;
  readonly waiting: { readonly text: string; attempt: number }[];
  readonly handlers: Set<Handler>;
  underWay: number;
}

const maxRemembered = 100_000;
const maxDeadLetters = 1_000;

/** The bus of a server that is alone: the same promises, within one process and for as long as it lives. */
export function createMemoryBus(options: MemoryBusOptions = {}): MessageBus {
  const { domain = 'genie', clock = systemClock, maxBytes = 1_000_000, duplicateWindowMs = 120_000 } = options;
  const rules: MessageRules = { domain, maxBytes, catalogue: options.catalogue ?? createCatalogue({ domain }) };
  const seen = new Map<string, number>();
  const consumers = new Map<string, Consumer>();
  const dead: DeadLetter[] = [];
  const presence = new Map<string, { readonly value: unknown; readonly owner: object }>();
  let counter = 0;
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw closedError();
  };

  function isDuplicate(id: string): boolean {
    const now = clock.elapsed();
    for (const [old, at] of seen) {
      if (now - at < duplicateWindowMs && seen.size <= maxRemembered) break;
      seen.delete(old);
    }
    if (seen.has(id)) return true;
    seen.set(id, now);
    return false;
  }

  function pump(consumer: Consumer): void {
    const { concurrency = 16 } = consumer.options;
    while (!closed && consumer.handlers.size > 0 && consumer.underWay < concurrency && consumer.waiting.length > 0) {
      const next = consumer.waiting.shift();
      // Servers of one name take turns.
      const handler = [...consumer.handlers][counter % consumer.handlers.size];
      counter += 1;
      if (!next || !handler) return;
      consumer.underWay += 1;
      void deliver(consumer, handler, next).finally(() => {
        consumer.underWay -= 1;
        pump(consumer);
      });
    }
  }

  async function deliver(
    consumer: Consumer,
    handler: Handler,
    entry: { readonly text: string; attempt: number },
  ): Promise<void> {
    const message = fromText(entry.text, entry.attempt);
    if (!message) return;
    try {
      await handler(message);
    } catch (error) {
      if (entry.attempt >= (consumer.options.maxAttempts ?? 5)) {
        dead.push({ message, consumer: consumer.name, reason: describeThrown(error) });
        if (dead.length > maxDeadLetters) dead.shift();
        return;
      }
      const delayMs = Math.min((options.retryDelayMs ?? 100) * 2 ** (entry.attempt - 1), 5_000);
      entry.attempt += 1;
      clock.schedule(delayMs, () => {
        consumer.waiting.push(entry);
        pump(consumer);
      });
    }
  }

  return {
    capabilities: { name: 'memory', durable: false },
    async publish(message) {
      assertOpen();
      const text = toText(message, clock.now(), rules);
      if (isDuplicate(message.id)) return false;
      for (const consumer of consumers.values()) {
        if (!matchesSubject(consumer.options.subject, message.subject)) continue;
        consumer.waiting.push({ text, attempt: 1 });
        // Not in the caller's turn: publishing never runs a handler.
        queueMicrotask(() => pump(consumer));
      }
      return true;
    },
    async subscribe(subscription, handler) {
      assertOpen();
      checkPattern(subscription.subject, domain);
      if (subscription.durable !== undefined) checkConsumer(subscription.durable);
      counter += 1;
      const name = subscription.durable ?? `subscriber-${counter}`;
      const consumer = consumers.get(name) ?? {
        name,
        options: subscription,
        waiting: [],
        handlers: new Set<Handler>(),
        underWay: 0,
      };
      consumers.set(name, consumer);
      // The same function twice is two subscribers.
      const own: Handler = (message) => handler(message);
      consumer.handlers.add(own);
      pump(consumer);
      return async () => {
        consumer.handlers.delete(own);
        if (subscription.durable === undefined) consumers.delete(name);
      };
    },
    async deadLetters(limit = 100) {
      assertOpen();
      return dead.slice(0, limit);
    },
    async announce(key, value) {
      assertOpen();
      const owner = {};
      presence.set(key, { value: structuredClone(value), owner });
      return async () => {
        if (presence.get(key)?.owner === owner) presence.delete(key);
      };
    },
    async present() {
      assertOpen();
      return [...presence]
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, { value }]) => ({ key, value: value as never }));
    },
    async close() {
      closed = true;
      consumers.clear();
      presence.clear();
    },
  };
}
