export type NotificationKind = 'approval' | 'briefing' | 'status';

export interface Notification {
  /** De-duplication key: the same id is delivered once. */
  readonly id: string;
  readonly kind: NotificationKind;
  readonly genieId: string;
  readonly title: string;
  readonly body: string;
  readonly urgent?: boolean;
}

export interface DeliveryResult {
  readonly target: string;
  readonly status: 'delivered' | 'duplicate' | 'failed' | 'unregistered';
  readonly reason?: string;
}

/** Called by the report phase and when an approval is requested. A failed delivery is a result, never an exception. */
export interface NotifierPort {
  notify(notification: Notification, options?: { readonly signal?: AbortSignal }): Promise<readonly DeliveryResult[]>;
  close(): Promise<void>;
}
