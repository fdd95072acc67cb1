import type { Environment } from '@genie/inference';

/**
 * Options of `openMemory` that encrypt it with the passphrase in the variable GENIE_MEMORY_PASSPHRASE, when there is one. Nothing of it is stored or
 * printed.
 */
export function memoryCipher(environment: Environment): { readonly cipher?: { readonly passphrase: string } } {
  const passphrase = environment.GENIE_MEMORY_PASSPHRASE;
  return passphrase === undefined || passphrase === '' ? {} : { cipher: { passphrase } };
}
