import type { EngineOptions } from './engine-options.ts';
import { type Llama, type LlamaLibrary, loadLlamaLibrary } from './llama-library.ts';

/** The library and its native code, without a model: most of the time that a worker needs to start, and the same for every model. */
export interface Backend {
  readonly library: LlamaLibrary;
  readonly llama: Llama;
}

export interface BackendOptions extends Pick<EngineOptions, 'threads'> {
  readonly llamaModule?: string | undefined;
}

/** Rejects with `GENIE_MODEL_PEER_MISSING`, or with what the library says of this machine. */
export async function openBackend({ threads, llamaModule }: BackendOptions): Promise<Backend> {
  const library = await loadLlamaLibrary(llamaModule);
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: 'error',
    // The default number of threads spins and is up to 1,000 times slower on small machines.
    maxThreads: threads,
  });
  return { library, llama };
}
