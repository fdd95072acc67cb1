import { GenieError } from '@genie/core/errors';
import type { JsonValue, PresenceEntry } from '@genie/core/ports';
import { loadPeer } from '../load-peer.ts';
import type { NatsConnectionLike } from './nats-bus-options.ts';

export interface PresenceBucket {
  announce(key: string, value: JsonValue): Promise<() => Promise<void>>;
  present(): Promise<readonly PresenceEntry[]>;
}

/** Presence as a key-value bucket whose entries live for `ttlMs` unless they are written again. */
export async function openPresenceBucket(
  connection: NatsConnectionLike,
  { bucket, ttlMs }: { readonly bucket: string; readonly ttlMs: number },
): Promise<PresenceBucket> {
  const { Kvm } = await loadPeer('@nats-io/kv', '^3.4.0', () => import('@nats-io/kv'));
  const kv = await new Kvm(connection as never).create(bucket, { ttl: ttlMs, history: 1 });
  return {
    async announce(key, value) {
      if (key.length === 0 || key.length > 500) {
        throw new GenieError(
          'GENIE_BUS_MESSAGE',
          `A presence needs a key of 1 to 500 characters; this one has ${key.length}.`,
        );
      }
      const name = nameOf(key);
      const text = JSON.stringify({ key, value });
      let revision = await kv.put(name, text);
      const beat = setInterval(() => {
        void kv.put(name, text).then(
          (next) => {
            revision = next;
          },
          () => undefined,
        );
      }, ttlMs / 3);
      beat.unref();
      return async () => {
        clearInterval(beat);
        // Only our own: somebody else may have announced the same key since.
        await kv.delete(name, { previousSeq: revision }).catch(() => undefined);
      };
    },
    async present() {
      const found: PresenceEntry[] = [];
      for await (const name of await kv.keys()) {
        const entry = await kv.get(name);
        if (entry?.operation === 'PUT') found.push(entry.json<PresenceEntry>());
      }
      return found.sort((left, right) => (left.key < right.key ? -1 : 1));
    },
  };
}

/** Bucket keys allow few characters. */
function nameOf(key: string): string {
  return Buffer.from(key, 'utf16le').toString('base64url');
}
