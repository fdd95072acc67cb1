/** Turns bytes into bytes that say nothing without the key. `purpose` is authenticated: a file cannot pass for another one. */
export interface FileCipher {
  encrypt(plain: Uint8Array, purpose: string): Uint8Array;
  /** Throws `GENIE_MEMORY_CIPHER` when the key or the purpose is wrong or a bit was changed. */
  decrypt(sealed: Uint8Array, purpose: string): Uint8Array;
}
