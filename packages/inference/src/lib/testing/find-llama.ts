/**
 * Where tests find node-llama-cpp, an optional peer of 85 MB: as an installed package, or at the path in `GENIE_LLAMA_MODULE`. Undefined:
 * tests of the real engine are skipped and say so.
 */
export function findLlama(): string | undefined {
  try {
    return import.meta.resolve('node-llama-cpp');
  } catch {
    // biome-ignore lint/style/noProcessEnv: tests are a composition root.
    return process.env.GENIE_LLAMA_MODULE;
  }
}
