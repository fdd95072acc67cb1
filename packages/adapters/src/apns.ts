export type { ApnsOptions } from './lib/apns/apns-sender.ts';
export { createApnsSender } from './lib/apns/apns-sender.ts';
