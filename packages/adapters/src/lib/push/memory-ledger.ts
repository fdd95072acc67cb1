import type { PushLedger } from './push-sender.ts';

/** Remembers the last `keep` deliveries (default 100,000) of this process. */
export function createMemoryLedger(keep = 100_000): PushLedger {
  const notes = new Map<string, 'busy' | 'delivered'>();
  const keyOf = (notificationId: string, deviceId: string) => JSON.stringify([notificationId, deviceId]);
  return {
    async claim(notificationId, deviceId) {
      const key = keyOf(notificationId, deviceId);
      const known = notes.get(key);
      if (known) return known;
      notes.set(key, 'busy');
      if (notes.size > keep) forgetOldest(notes);
      return 'claimed';
    },
    async settle(notificationId, deviceId, delivered) {
      const key = keyOf(notificationId, deviceId);
      if (delivered) notes.set(key, 'delivered');
      else notes.delete(key);
    },
  };
}

function forgetOldest(notes: Map<string, 'busy' | 'delivered'>): void {
  for (const [key, note] of notes) {
    if (note !== 'delivered') continue;
    notes.delete(key);
    return;
  }
}
