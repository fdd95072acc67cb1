import { type ConformanceCase, runConformance } from '@genie/core/conformance';
import type { BusMessage, MessageBus } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { type BusSetup, busSuite } from './bus-suite.ts';
import { type Cluster, clusterSilenceMs, createBusCluster } from './shared-fakes.ts';

interface Mutant {
  readonly caughtBy: string;
  wrap?(bus: MessageBus, index: number): MessageBus;
  readonly survivesDeath?: boolean;
}

const bound = (bus: MessageBus): MessageBus => ({
  capabilities: bus.capabilities,
  publish: (message) => bus.publish(message),
  subscribe: (options, handler) => bus.subscribe(options, handler),
  deadLetters: (limit) => bus.deadLetters(limit),
  announce: (key, value) => bus.announce(key, value),
  present: () => bus.present(),
  close: () => bus.close(),
});

const onMessage =
  (change: (message: BusMessage, handler: (message: BusMessage) => Promise<void> | void) => Promise<void> | void) =>
  (bus: MessageBus): MessageBus => ({
    ...bound(bus),
    subscribe: (options, handler) => bus.subscribe(options, (message) => change(message, handler)),
  });

let counter = 0;
const mutants: Readonly<Record<string, Mutant>> = {
  'spoils special characters': {
    caughtBy: 'a message comes as it was sent, once, to every subscriber without a name',
    wrap: onMessage((message, handler) =>
      handler({ ...message, payload: JSON.parse(JSON.stringify(message.payload).replaceAll('\\u0000', '')) }),
    ),
  },
  'sends everything to everybody': {
    caughtBy: 'patterns select by word and by rest',
    wrap: (bus) => ({
      ...bound(bus),
      subscribe: (options, handler) => bus.subscribe({ ...options, subject: 'suite.>' }, handler),
    }),
  },
  'forgets ids': {
    caughtBy: 'the same id is delivered once, however often it is sent',
    wrap: (bus) => ({
      ...bound(bus),
      publish(message) {
        counter += 1;
        return bus.publish({ ...message, id: message.id && `${message.id}-${counter}` });
      },
    }),
  },
  'delivers out of order': {
    caughtBy: 'messages of one publisher come in their order when one is handled at a time',
    wrap: onMessage((message, handler) => {
      setTimeout(() => void handler(message), Number(message.id) % 2 === 0 ? 40 : 0);
    }),
  },
  'cannot be ended': {
    caughtBy: 'an ended subscription gets nothing more',
    wrap: (bus) => ({
      ...bound(bus),
      async subscribe(options, handler) {
        await bus.subscribe(options, handler);
        return async () => undefined;
      },
    }),
  },
  'gives up at once': {
    caughtBy: 'a message whose handler fails comes again, with its number, until it is handled',
    wrap: (bus) => ({
      ...bound(bus),
      subscribe: (options, handler) => bus.subscribe({ ...options, maxAttempts: 1 }, handler),
    }),
  },
  'drops dead letters': {
    caughtBy: 'a message that nobody can handle becomes a dead letter and holds nobody up',
    wrap: (bus) => ({ ...bound(bus), deadLetters: async () => [] }),
  },
  'takes any subject': {
    caughtBy: 'a subject that does not fit is refused with GENIE_BUS_SUBJECT',
    wrap: (bus) => ({
      ...bound(bus),
      publish: async (message) => (message.subject.includes('*') ? true : bus.publish(message)),
    }),
  },
  'asks no catalogue': {
    caughtBy: 'what the catalogue does not know, and what is too large, is refused with GENIE_BUS_MESSAGE',
    wrap: (bus) => ({
      ...bound(bus),
      publish: async (message) => (message.subject.endsWith('forbidden') ? true : bus.publish(message)),
    }),
  },
  'keeps who said goodbye': {
    caughtBy: 'who is present is known in order of key, until it says goodbye',
    wrap: (bus) => ({
      ...bound(bus),
      async announce(key, value) {
        await bus.announce(key, value);
        return async () => undefined;
      },
    }),
  },
  'works after close': {
    caughtBy: 'everything is refused with GENIE_BUS_CLOSED after close, which may be repeated',
    wrap: (bus) => ({ ...bound(bus), close: async () => undefined }),
  },
  'gives every server a copy': {
    caughtBy: 'servers of one name share the messages, each handled by one of them',
    wrap: (bus, index) => ({
      ...bound(bus),
      subscribe: ({ durable, ...options }, handler) =>
        bus.subscribe({ ...options, ...(durable === undefined ? {} : { durable: `${durable}-${index}` }) }, handler),
    }),
  },
  'forgets places': {
    caughtBy: 'a durable consumer gets what came while nobody was there',
    wrap: (bus) => ({
      ...bound(bus),
      subscribe: ({ durable: _durable, ...options }, handler) => bus.subscribe(options, handler),
    }),
  },
  'loses what a dead server took': {
    caughtBy: 'what a server took when it died is handled by another one',
    survivesDeath: true,
  },
  'shows the dead as present': {
    caughtBy: 'a server that died without goodbye is not present for long',
    survivesDeath: true,
  },
};

function createSetup(
  mutant: Partial<Mutant>,
): () => Promise<{ setup: BusSetup; capabilities: Set<string>; close(): Promise<void> }> {
  return async () => {
    const cluster: Cluster<MessageBus> = createBusCluster();
    const real = new Map<MessageBus, MessageBus>();
    let servers = 0;
    const open = (): MessageBus => {
      const server = cluster.open();
      servers += 1;
      const wrapped = mutant.wrap?.(server, servers) ?? server;
      real.set(wrapped, server);
      return wrapped;
    };
    return {
      setup: {
        bus: open(),
        another: async () => open(),
        kill: async (bus) => {
          const server = real.get(bus);
          if (server && !mutant.survivesDeath) cluster.kill(server);
        },
        silenceMs: clusterSilenceMs,
      },
      capabilities: new Set(['shared']),
      close: () => cluster.close(),
    };
  };
}

/** The named case alone: the others would only take time. */
function only(name: string): { readonly port: string; readonly cases: readonly ConformanceCase<BusSetup>[] } {
  return { ...busSuite, cases: busSuite.cases.filter((one) => one.name === name) };
}

describe('busSuite', () => {
  it('is passed by what keeps the promises, shared ones too', async () => {
    const report = await runConformance(busSuite, createSetup({}));
    expect(report.results.filter((result) => result.status !== 'passed')).toEqual([]);
  }, 30_000);

  it.concurrent.each(Object.entries(mutants))('catches a bus that: %s', async (_what, mutant) => {
    const report = await runConformance(only(mutant.caughtBy), createSetup(mutant), { timeoutMs: 4_000 });
    expect(report.results.map(({ name, status }) => [name, status])).toEqual([[mutant.caughtBy, 'failed']]);
  });

  it('has a mutant for every case', () => {
    const caught = new Set(Object.values(mutants).map((mutant) => mutant.caughtBy));
    expect(busSuite.cases.map((one) => one.name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
