import type { WakeRecord } from './wake-records.ts';

export interface PendingWake {
  readonly id: string;
  readonly dueAt: number;
}

/** What a scheduler remembers of its log. */
export interface WakeState {
  note(record: WakeRecord): void;
  /** True when this wake was fired or missed before, whatever the clock says now. */
  isRecorded(id: string): boolean;
  /** Wakes that were to be handed over and of which no end is recorded, oldest first. */
  pending(): readonly PendingWake[];
  /** Everything up to here is decided; undefined before the first arming. Epoch ms. */
  decidedUntil(): number | undefined;
  armed(): Extract<WakeRecord, { readonly kind: 'armed' }> | undefined;
}

const remembered = 10_000;

export function createWakeState(records: readonly WakeRecord[]): WakeState {
  const ids = new Set<string>();
  const pending = new Map<string, PendingWake>();
  let armed: Extract<WakeRecord, { readonly kind: 'armed' }> | undefined;
  let decidedUntil: number | undefined;

  function remember(id: string): void {
    ids.add(id);
    if (ids.size > remembered) ids.delete(ids.values().next().value ?? id);
  }

  function decided(until: number): void {
    decidedUntil = Math.max(decidedUntil ?? until, until);
  }

  function note(record: WakeRecord): void {
    switch (record.kind) {
      case 'armed':
        armed = record;
        decidedUntil = record.at;
        break;
      case 'fired':
        remember(record.id);
        pending.set(record.id, { id: record.id, dueAt: record.dueAt });
        decided(record.dueAt);
        break;
      case 'missed':
        remember(record.id);
        if (record.action === 'run') pending.set(record.id, { id: record.id, dueAt: record.dueAt });
        decided(record.dueAt);
        break;
      case 'done':
        pending.delete(record.id);
        break;
      case 'missed-many':
        decided(record.to);
        break;
      default:
        record satisfies never;
    }
  }

  for (const record of records) note(record);
  return {
    note,
    isRecorded: (id) => ids.has(id),
    pending: () => [...pending.values()].sort((left, right) => left.dueAt - right.dueAt),
    decidedUntil: () => decidedUntil,
    armed: () => armed,
  };
}
