export type { FcmOptions } from './lib/fcm/fcm-sender.ts';
export { createFcmSender } from './lib/fcm/fcm-sender.ts';
export type { ServiceAccount } from './lib/fcm/service-account.ts';
