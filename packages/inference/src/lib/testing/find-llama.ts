/**
 * Where tests find node-llama-cpp, an optional peer of 85 MB: as an installed package, or at the path in
 * GENIE_LLAMA_MODULE. Undefined:
 * tests of the real engine are skipped and say so.
 */
export function findLlama(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    return import.meta.resolve('node-llama-cpp');
  } catch {
    return environment.GENIE_LLAMA_MODULE;
  }
}
