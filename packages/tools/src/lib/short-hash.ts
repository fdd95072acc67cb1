import { createHash } from 'node:crypto';

/** The first `characters` hex digits of the SHA-256 of a text or of bytes. For identity, never for secrecy. */
export function shortHash(content: string | Uint8Array, characters = 16): string {
  return createHash('sha256').update(content).digest('hex').slice(0, characters);
}
