import { describeThrown, type ErrorRecord, GenieError, toErrorRecord } from '@genie/core/errors';
import { type Clock, type DeliveryResult, type Notification, type NotifierPort, systemClock } from '@genie/core/ports';
import { createMemoryLedger } from './memory-ledger.ts';
import type { AnyPushSender, PushDevice, PushDevices, PushLedger, PushMessage, PushOutcome } from './push-sender.ts';
import { createQuietClock, type QuietClock, type QuietHours } from './quiet-hours.ts';

export interface PushNotifierOptions {
  readonly devices: PushDevices;
  readonly senders: readonly AnyPushSender[];
  /** Default: in memory, which forgets with the process. `openFileLedger` does not. */
  readonly ledger?: PushLedger;
  /** Nothing but urgent ones arrive then; the others are sent at the end. */
  readonly quietHours?: QuietHours;
  /** Tries for one device. Default 6. */
  readonly maxTries?: number;
  /** Pause after the first failure, doubled after each. Default 500. */
  readonly firstPauseMs?: number;
  /** Default 60,000. */
  readonly longestPauseMs?: number;
  /** How long a service keeps trying to reach a device that is off. Default 86,400,000. */
  readonly expiresAfterMs?: number;
  /** Deliveries under way at one time. Default 64. */
  readonly atOnce?: number;
  readonly clock?: Clock;
  /** Told of devices that were removed and of stores that fail. */
  readonly onWarning?: (warning: ErrorRecord) => void;
}

interface NotifierState {
  readonly options: PushNotifierOptions;
  readonly clock: Clock;
  readonly ledger: PushLedger;
  readonly quiet: QuietClock | undefined;
  readonly senders: ReadonlyMap<string, AnyPushSender>;
  readonly closing: AbortController;
}

interface Task {
  readonly state: NotifierState;
  readonly message: PushMessage;
  readonly device: PushDevice;
  readonly signal: AbortSignal;
}

/**
 * Notifies the devices of a user through the push services. Each device gets a notification once, also over retries and restarts; what is
 * gone is removed; a failed delivery is a result. Throws `GENIE_PUSH_OPTIONS`.
 */
export function createPushNotifier(options: PushNotifierOptions): NotifierPort {
  const state: NotifierState = {
    options,
    clock: options.clock ?? systemClock,
    ledger: options.ledger ?? createMemoryLedger(),
    quiet: options.quietHours && createQuietClock(options.quietHours),
    senders: new Map(options.senders.map((sender) => [sender.kind, sender])),
    closing: new AbortController(),
  };
  for (const [name, value] of Object.entries({ maxTries: options.maxTries ?? 1, atOnce: options.atOnce ?? 1 })) {
    if (!(value >= 1))
      throw new GenieError('GENIE_PUSH_OPTIONS', `createPushNotifier: ${name} is ${value}; pass a number from 1.`);
  }
  let closed: Promise<void> | undefined;
  return {
    notify: (notification, { signal } = {}) =>
      notify(state, notification, signal ? AbortSignal.any([signal, state.closing.signal]) : state.closing.signal),
    close() {
      state.closing.abort();
      closed ??= Promise.all(options.senders.map((sender) => sender.close())).then(() => undefined);
      return closed;
    },
  };
}

async function notify(
  state: NotifierState,
  notification: Notification,
  signal: AbortSignal,
): Promise<readonly DeliveryResult[]> {
  const { options, clock } = state;
  let devices: readonly PushDevice[];
  try {
    devices = await options.devices.list(notification.genieId);
  } catch (error) {
    return [{ target: 'push', status: 'failed', reason: `the devices are not known: ${describeThrown(error)}` }];
  }
  if (!notification.urgent && state.quiet) await wait(clock, state.quiet(clock.now()), signal);
  const message: PushMessage = {
    notification,
    expiresAt: clock.now() + (options.expiresAfterMs ?? 86_400_000),
    collapseId: notification.id,
  };
  return mapLimited(devices, options.atOnce ?? 64, (device) => deliver({ state, message, device, signal }));
}

async function deliver(task: Task): Promise<DeliveryResult> {
  const { state, message, device } = task;
  const target = device.id;
  const { id } = message.notification;
  try {
    const claim = await state.ledger.claim(id, target);
    if (claim === 'delivered') return { target, status: 'duplicate' };
    if (claim === 'busy') return { target, status: 'duplicate', reason: 'another process delivers it' };
    const outcome = await sendWithRetries(task).catch(
      (error: unknown): PushOutcome => ({ status: 'failed', reason: describeThrown(error) }),
    );
    await state.ledger.settle(id, target, outcome.status === 'delivered');
    if (outcome.status === 'unregistered') await removeDevice(state, device, outcome.reason);
    return outcome.status === 'delivered'
      ? { target, status: 'delivered' }
      : { target, status: outcome.status === 'unregistered' ? 'unregistered' : 'failed', reason: outcome.reason };
  } catch (error) {
    // The ledger failed: without it nobody knows whether the device has it, so it is not sent again.
    state.options.onWarning?.(toErrorRecord(error, 'GENIE_PUSH_STORE'));
    return { target, status: 'failed', reason: describeThrown(error) };
  }
}

async function sendWithRetries({ state, message, device, signal }: Task): Promise<PushOutcome> {
  const { clock, options } = state;
  const sender = state.senders.get(device.kind);
  if (!sender) return { status: 'failed', reason: `no sender for ${device.kind}` };
  const { maxTries = 6, firstPauseMs = 500, longestPauseMs = 60_000 } = options;
  let pauseMs = firstPauseMs;
  for (let tries = 1; ; tries += 1) {
    if (signal.aborted) return { status: 'failed', reason: 'it was cancelled' };
    const outcome = await sender.send(device as never, message, signal);
    if (outcome.status !== 'retry') return outcome;
    if (tries >= maxTries || clock.now() >= message.expiresAt)
      return { status: 'failed', reason: `${outcome.reason} (after ${tries} tries)` };
    // Half of the pause at random, so that many devices do not come back at the same moment.
    const ownMs = pauseMs / 2 + (Math.random() * pauseMs) / 2;
    await wait(clock, Math.max(ownMs, outcome.afterMs ?? 0), signal);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

async function removeDevice(state: NotifierState, device: PushDevice, reason: string): Promise<void> {
  try {
    await state.options.devices.remove(device, reason);
  } catch (error) {
    state.options.onWarning?.(toErrorRecord(error, 'GENIE_PUSH_STORE'));
  }
}

function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.schedule(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

async function mapLimited<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as Item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}
