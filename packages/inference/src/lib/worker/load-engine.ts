import { GenieError } from '@genie/core/errors';
import { type GgufHeader, readGguf } from '../gguf/read-gguf.ts';
import { hashFile, stampOf } from '../layers/check-layer.ts';
import { type AdapterHost, createAdapterHost } from './adapter-host.ts';
import { type Backend, openBackend } from './backend.ts';
import { defaultContextTokens, type EngineOptions } from './engine-options.ts';
import { fingerprint } from './fingerprint.ts';
import { kvBytesPerToken, longestTokenOf, slotsFor, trainedContextTokens } from './kv-size.ts';
import type { Llama, LlamaLibrary, LlamaModel } from './llama-library.ts';
import { StateFiles } from './state-files.ts';

/** Everything that an engine works with, loaded. */
export interface EngineParts {
  readonly contextTokens: number;
  readonly promptChunkTokens: number;
  readonly library: LlamaLibrary;
  readonly llama: Llama;
  /** Ends the library, unless somebody else started it. */
  readonly closeBackend: () => Promise<void>;
  readonly model: LlamaModel;
  readonly base: GgufHeader;
  /** Stamp of the model file, for {@link EngineOptions.verifiedStamp} of the next engine. */
  readonly stamp: string;
  readonly baseHash: string;
  readonly host: AdapterHost;
  readonly states: StateFiles | undefined;
  /** Characters of the longest token: a text has at least its length by this many tokens. */
  readonly longestToken: number;
  /** Of KV in memory. */
  readonly bytesPerToken: number;
}

/**
 * Loads a model. The file is checked while the library starts, unless that has been started before: `prepared` stays with whoever prepared it, to be disposed after the engine.
 * Rejects with `GENIE_MODEL_PEER_MISSING`, `GENIE_GGUF_INVALID`, `GENIE_MODEL_CHANGED`, `GENIE_MODEL_LOAD`.
 */
export async function loadEngine(options: EngineOptions, prepared?: Promise<Backend>): Promise<EngineParts> {
  const { modelPath, threads } = options;
  const backend = prepared ?? openBackend(options);
  // Whatever is wrong with the library is told after what is wrong with the file, and not at all when nobody waits any more.
  backend.catch(() => undefined);
  const closeBackend = async () => {
    if (!prepared) await (await backend).llama.dispose();
  };
  const { base, stamp, baseHash } = await checkModel(options).catch((error: unknown) => {
    void closeBackend().catch(() => undefined);
    throw error;
  });
  const contextTokens = Math.min(options.contextTokens ?? defaultContextTokens, trainedContextTokens(base));
  const { library, llama } = await backend;
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
  return {
    contextTokens,
    promptChunkTokens,
    longestToken: longestTokenOf(base),
    library,
    llama,
    closeBackend,
    model,
    base,
    stamp,
    baseHash,
    host,
    states,
    bytesPerToken,
  };
}

/** Looks at the model file before native code does. Its whole content is read only when a hash is expected and the file is not the one that was verified before. */
async function checkModel(
  options: EngineOptions,
): Promise<{ readonly base: GgufHeader; readonly stamp: string; readonly baseHash: string }> {
  const { modelPath, modelHash, verifiedStamp } = options;
  const base = await readGguf(modelPath);
  const stamp = await stampOf(modelPath);
  if (modelHash !== undefined && verifiedStamp !== stamp) {
    const hash = await hashFile(modelPath);
    const problem =
      hash !== modelHash
        ? `has the hash ${hash.slice(0, 12)}…, expected is ${modelHash.slice(0, 12)}…: restore the file, or update what names its hash`
        : (await stampOf(modelPath)) !== stamp && 'changed while it was read: try again';
    if (problem !== false) throw new GenieError('GENIE_MODEL_CHANGED', `The model "${modelPath}" ${problem}.`);
  }
  return { base, stamp, baseHash: await fingerprint(modelPath) };
}

/** About half a second of reading on one core, by the size of the model: between two chunks an abort is heard. */
function chunkFor(modelBytes: number, threads: number): number {
  return Math.min(256, Math.max(16, Math.floor((threads * 64 * 300e6) / modelBytes)));
}
