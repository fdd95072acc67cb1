export { openNatsBus } from './lib/nats/nats-bus.ts';
export type { NatsBusOptions, NatsConnectionLike } from './lib/nats/nats-bus-options.ts';
