export type { FileLedger, FileLedgerOptions } from './lib/push/file-ledger.ts';
export { openFileLedger } from './lib/push/file-ledger.ts';
export { createMemoryLedger } from './lib/push/memory-ledger.ts';
export type { PushNotifierOptions } from './lib/push/push-notifier.ts';
export { createPushNotifier } from './lib/push/push-notifier.ts';
export type {
  AnyPushSender,
  PushDevice,
  PushDevices,
  PushKind,
  PushLedger,
  PushMessage,
  PushOutcome,
  PushSender,
} from './lib/push/push-sender.ts';
export type { QuietHours } from './lib/push/quiet-hours.ts';
