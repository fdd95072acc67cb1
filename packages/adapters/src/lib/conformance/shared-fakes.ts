import type { MessageBus, Wakes } from '@genie/core/ports';
import { createMemoryBus } from '../bus/memory-bus.ts';
import { createMemoryWakes } from '../wakes/memory-wakes.ts';
import { suiteCatalogue } from './suite-catalogue.ts';

/** Servers that share one store in memory and can die: what the suites need to be tested themselves, without a server. */
export interface Cluster<Port> {
  /** Another server on the same store. */
  open(): Port;
  kill(server: Port): void;
  close(): Promise<void>;
}

export const clusterSilenceMs = 200;

export function createBusCluster(): Cluster<MessageBus> {
  const store = createMemoryBus({ domain: 'suite', catalogue: suiteCatalogue, retryDelayMs: 20 });
  const deaths = new Map<MessageBus, () => void>();
  return {
    open() {
      const { death, die } = mortal();
      const ends = new Set<() => Promise<void>>();
      let closed = false;
      const through = <Result>(work: () => Promise<Result>): Promise<Result> =>
        closed ? createClosedBus().then((bus) => bus.present() as Promise<Result>) : work();
      const server: MessageBus = {
        capabilities: { name: 'cluster', durable: true },
        publish: (message) => through(() => store.publish(message)),
        subscribe: (options, handler) =>
          through(async () => {
            const end = await store.subscribe(options, async (message) => {
              await Promise.race([handler(message), death]);
            });
            void death.catch(end);
            ends.add(end);
            return end;
          }),
        deadLetters: (limit) => through(() => store.deadLetters(limit)),
        announce: (key, value) =>
          through(async () => {
            const end = await store.announce(key, value);
            void death.catch(() => setTimeout(() => void end(), clusterSilenceMs));
            return end;
          }),
        present: () => through(() => store.present()),
        async close() {
          closed = true;
          for (const end of ends) await end();
        },
      };
      deaths.set(server, die);
      return server;
    },
    kill: (server) => deaths.get(server)?.(),
    close: () => store.close(),
  };
}

async function createClosedBus(): Promise<MessageBus> {
  const bus = createMemoryBus();
  await bus.close();
  return bus;
}

export function createWakesCluster(): Cluster<Wakes> {
  const store = createMemoryWakes({ tickMs: 50, retryDelayMs: 20 });
  const deaths = new Map<Wakes, () => void>();
  return {
    open() {
      const { death, die } = mortal();
      const stops = new Set<() => Promise<void>>();
      const server: Wakes = {
        schedule: (genieId, schedule) => store.schedule(genieId, schedule),
        wakeAt: (genieId, dueAt) => store.wakeAt(genieId, dueAt),
        async work(handler, options) {
          const stop = await store.work((wake) => Promise.race([handler(wake), death]), options);
          void death.catch(stop);
          stops.add(stop);
          return stop;
        },
        async close() {
          for (const stop of stops) await stop();
        },
      };
      deaths.set(server, die);
      return server;
    },
    kill: (server) => deaths.get(server)?.(),
    close: () => store.close(),
  };
}

function mortal(): { readonly death: Promise<never>; die(): void } {
  let die: () => void = () => undefined;
  const death = new Promise<never>((_resolve, reject) => {
    die = () => reject(new Error('the process was killed'));
  });
  death.catch(() => undefined);
  return { death, die };
}
