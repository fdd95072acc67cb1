import { createHash } from 'node:crypto';
import type { ObjectInfo, ObjectStore } from '@genie/core';

/** An object store that forgets. */
export function memoryObjects(): ObjectStore & { readonly keys: () => readonly string[] } {
  const stored = new Map<string, { readonly info: ObjectInfo; readonly bytes: Uint8Array }>();
  return {
    keys: () => [...stored.keys()],
    async put(key, content, options = {}) {
      const parts: Uint8Array[] = [];
      if (content instanceof Uint8Array) parts.push(content);
      else for await (const part of content) parts.push(part);
      const bytes = Buffer.concat(parts);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const info = {
        key,
        sizeBytes: bytes.length,
        sha256,
        contentType: options.contentType ?? 'application/octet-stream',
        storedAt: 0,
      };
      stored.set(key, { info, bytes });
      return info;
    },
    async get(key) {
      const found = stored.get(key);
      if (!found) return undefined;
      // Small pieces, as a network or a disk would give them.
      async function* pieces(bytes: Uint8Array) {
        for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
      }
      return { info: found.info, content: pieces(found.bytes) };
    },
    head: async (key) => stored.get(key)?.info,
    async *list(prefix = '') {
      for (const [key, { info }] of [...stored].sort()) if (key.startsWith(prefix)) yield info;
    },
    delete: async (key) => stored.delete(key),
    close: async () => undefined,
  };
}
