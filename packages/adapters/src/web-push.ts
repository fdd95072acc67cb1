export type { WebPushOptions } from './lib/web-push/web-push-sender.ts';
export { createWebPushSender, generateVapidKeys } from './lib/web-push/web-push-sender.ts';
