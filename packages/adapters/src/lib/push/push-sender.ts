import type { Notification } from '@genie/core/ports';

/** A device that asked for notifications. Stored by the user's application. */
export type PushDevice =
  | { readonly kind: 'apns'; readonly id: string; readonly token: string }
  | { readonly kind: 'fcm'; readonly id: string; readonly token: string }
  | {
      readonly kind: 'web-push';
      readonly id: string;
      /** As the browser gives it. */
      readonly subscription: {
        readonly endpoint: string;
        readonly keys: { readonly p256dh: string; readonly auth: string };
      };
    };

export type PushKind = PushDevice['kind'];

export type PushOutcome =
  | { readonly status: 'delivered' }
  /** The device is gone for good: its token is to be removed. */
  | { readonly status: 'unregistered'; readonly reason: string }
  /** Worth another try, at the earliest after `afterMs`. */
  | { readonly status: 'retry'; readonly reason: string; readonly afterMs?: number }
  | { readonly status: 'failed'; readonly reason: string };

export interface PushMessage {
  readonly notification: Notification;
  /** Epoch ms; the service drops it afterwards. */
  readonly expiresAt: number;
  /** A later message with the same one replaces this on the device. */
  readonly collapseId: string;
}

/** Sends to one push service. Called by the notifier, once for each try. Never throws for a failed delivery. */
export interface PushSender<Kind extends PushKind = PushKind> {
  readonly kind: Kind;
  send(device: Extract<PushDevice, { kind: Kind }>, message: PushMessage, signal: AbortSignal): Promise<PushOutcome>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The sender of any one service. */
export type AnyPushSender = { [Kind in PushKind]: PushSender<Kind> }[PushKind];

/** Where devices and the notes of what was delivered live. */
export interface PushDevices {
  /** The devices of whoever follows a genie. */
  list(genieId: string): Promise<readonly PushDevice[]>;
  /** Called for a device whose service says that it is gone. */
  remove(device: PushDevice, reason: string): Promise<void>;
}

/** Remembers what reached which device, so that no restart delivers twice. */
export interface PushLedger {
  /**
   * Claims one delivery. `claimed` once for a notification and device; then `delivered` (it arrived), or `busy` while another
   * process has it.
   */
  claim(notificationId: string, deviceId: string): Promise<'claimed' | 'delivered' | 'busy'>;
  /** `delivered: false` gives it back, so that a later try may claim it. */
  settle(notificationId: string, deviceId: string, delivered: boolean): Promise<void>;
}
