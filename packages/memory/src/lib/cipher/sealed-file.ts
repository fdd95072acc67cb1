import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import type { FileCipher } from './file-cipher.ts';

/** Layout: magic (4), key generation (4), nonce (12), tag (16), ciphertext. AES-256-GCM, NIST SP 800-38D, random nonces. */
const magic = 0x47534c31;
export const sealHeaderBytes = 36;

export interface DataKey {
  readonly generation: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Seals with the newest key and opens with any it holds, so that files of before a rotation stay readable during it. */
export function createFileCipher(keys: readonly DataKey[]): FileCipher {
  const newest = keys.reduce((latest, one) => (one.generation > latest.generation ? one : latest));
  return {
    encrypt: (plain, purpose) => seal(newest, plain, purpose),
    decrypt(sealed, purpose) {
      const header = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const isSealed = sealed.length >= sealHeaderBytes && header.getUint32(0) === magic;
      const data = isSealed ? keys.find(({ generation }) => generation === header.getUint32(4)) : undefined;
      const plain = data && open(data.key, sealed, purpose);
      if (plain) return plain;
      throw new GenieError(
        'GENIE_MEMORY_CIPHER',
        `The ${purpose.split(':')[0]} file cannot be decrypted: another key wrote it, or it was changed. Restore it from a backup.`,
        { details: { purpose } },
      );
    },
  };
}

function seal({ generation, key }: DataKey, plain: Uint8Array, purpose: string): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(`${generation}:${purpose}`));
  const head = Buffer.alloc(20);
  head.writeUInt32BE(magic, 0);
  head.writeUInt32BE(generation, 4);
  nonce.copy(head, 8);
  const body = [cipher.update(plain), cipher.final()];
  return Buffer.concat([head, cipher.getAuthTag(), ...body]);
}

function open(key: Uint8Array, sealed: Uint8Array, purpose: string): Uint8Array | undefined {
  const header = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(8, 20), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(`${header.getUint32(4)}:${purpose}`));
    decipher.setAuthTag(sealed.subarray(20, sealHeaderBytes));
    const plain = decipher.update(sealed.subarray(sealHeaderBytes));
    decipher.final();
    return plain;
  } catch {
    // A wrong tag says nothing about why; the caller names the file.
    return undefined;
  }
}
