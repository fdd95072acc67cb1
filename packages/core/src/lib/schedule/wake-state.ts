import type { WakeRecord } from './wake-records.ts';

type Armed = Extract<WakeRecord, { readonly kind: 'armed' }>;

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
  armed(): Armed | undefined;
}

const remembered = 10_000;

export function createWakeState(records: readonly WakeRecord[]): WakeState {
  const ids = new Set<string>();
  const pending = new Map<string, PendingWake>();
  let armed: Armed | undefined;

  function note(record: WakeRecord): void {
    if (record.kind === 'armed') armed = record;
    if (record.kind === 'done') pending.delete(record.id);
    if (record.kind !== 'fired' && record.kind !== 'missed') return;
    ids.add(record.id);
    if (ids.size > remembered) ids.delete(ids.values().next().value ?? record.id);
    const isSkipped = record.kind === 'missed' && record.action === 'skipped';
    if (!isSkipped) pending.set(record.id, { id: record.id, dueAt: record.dueAt });
  }

  for (const record of records) note(record);
  return {
    note,
    isRecorded: (id) => ids.has(id),
    pending: () => [...pending.values()].sort((left, right) => left.dueAt - right.dueAt),
    armed: () => armed,
  };
}

/**
 * The last moment up to `now` until which everything is decided; undefined when nothing is. Records from a future that a
 * wrong clock once saw do not count.
 */
export function decidedUntil(records: readonly WakeRecord[], now: number): number | undefined {
  let latest: number | undefined;
  for (const record of records) {
    const at = decidedBy(record);
    if (record.kind === 'armed') latest = undefined;
    if (at !== undefined && at <= now) latest = Math.max(latest ?? at, at);
  }
  return latest;
}

function decidedBy(record: WakeRecord): number | undefined {
  switch (record.kind) {
    case 'armed':
      return record.at;
    case 'fired':
    case 'missed':
      return record.dueAt;
    case 'missed-many':
      return record.to;
    case 'done':
      return undefined;
    default:
      return record satisfies never;
  }
}
