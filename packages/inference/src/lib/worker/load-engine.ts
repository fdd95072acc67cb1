import { GenieError } from '@genie/core/errors';
import { type GgufHeader, readGguf } from '../gguf/read-gguf.ts';
import { hashFile } from '../layers/check-layer.ts';
import { type AdapterHost, createAdapterHost } from './adapter-host.ts';
import { defaultContextTokens, type EngineOptions } from './engine-options.ts';
import { fingerprint } from './fingerprint.ts';
import { kvBytesPerToken, slotsFor, trainedContextTokens } from './kv-size.ts';
import { type Llama, type LlamaLibrary, type LlamaModel, loadLlamaLibrary } from './llama-library.ts';
import { StateFiles } from './state-files.ts';

/** Everything that an engine works with, loaded. */
export interface EngineParts {
  readonly contextTokens: number;
  readonly promptChunkTokens: number;
  readonly library: LlamaLibrary;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly base: GgufHeader;
  readonly baseHash: string;
  readonly host: AdapterHost;
  readonly states: StateFiles | undefined;
  /** Of KV in memory. */
  readonly bytesPerToken: number;
}

/** Rejects with `GENIE_MODEL_PEER_MISSING`, `GENIE_GGUF_INVALID`, `GENIE_MODEL_CHANGED`, `GENIE_MODEL_LOAD`. */
export async function loadEngine(options: EngineOptions): Promise<EngineParts> {
  const { modelPath, threads } = options;
  const base = await readGguf(modelPath);
  const contextTokens = Math.min(options.contextTokens ?? defaultContextTokens, trainedContextTokens(base));
  await checkModel(options);
  const baseHash = await fingerprint(modelPath);
  const library = await loadLlamaLibrary(options.llamaModule);
  // The default number of threads spins and is up to 1,000 times slower on small machines.
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: 'error',
    maxThreads: threads,
  });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const host = await createAdapterHost(model, {
    contextTokens,
    slots: options.slots ?? slotsFor(base, { contextTokens, maxKvBytes: options.maxKvBytes }),
    threads,
    switching: options.switching ?? 'auto',
  });
  const states =
    options.stateFolder === undefined
      ? undefined
      : await StateFiles.open(options.stateFolder, options.maxStateBytes ?? 1024 ** 3);
  const promptChunkTokens = options.promptChunkTokens ?? chunkFor(base.sizeBytes, threads);
  const bytesPerToken = kvBytesPerToken(base);
  return { contextTokens, promptChunkTokens, library, llama, model, base, baseHash, host, states, bytesPerToken };
}

async function checkModel({ modelPath, modelHash }: EngineOptions): Promise<void> {
  if (modelHash === undefined) return;
  const hash = await hashFile(modelPath);
  if (hash === modelHash) return;
  throw new GenieError(
    'GENIE_MODEL_CHANGED',
    `The model "${modelPath}" has the hash ${hash.slice(0, 12)}…, expected is ${modelHash.slice(0, 12)}…: restore the file, or update what names its hash.`,
  );
}

/** About half a second of reading on one core, by the size of the model: between two chunks an abort is heard. */
function chunkFor(modelBytes: number, threads: number): number {
  return Math.min(256, Math.max(16, Math.floor((threads * 64 * 300e6) / modelBytes)));
}
