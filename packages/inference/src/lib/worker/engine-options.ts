export interface EngineOptions {
  readonly modelPath: string;
  /** SHA-256 of the model file; another content is refused. Without it the file is taken as it is. */
  readonly modelHash?: string;
  /** Stamp of the file when its hash was last right, as {@link LlamaEngine.modelStamp} gave it: a file with this stamp is not hashed again. */
  readonly verifiedStamp?: string;
  /** Tokens a conversation may have. Default 4,096; never more than the model was trained on. */
  readonly contextTokens?: number;
  /** Conversations whose KV stays in memory. Default as many as `maxKvBytes` holds, 1 to 20. */
  readonly slots?: number;
  /** Default 512 MB. */
  readonly maxKvBytes?: number;
  /** Threads of a decode. */
  readonly threads: number;
  /** Default 20. */
  readonly maxLayers?: number;
  /** Default 500 MB. */
  readonly maxLayerBytes?: number;
  /** Where KV states of evicted prefixes go; without it they are dropped. */
  readonly stateFolder?: string;
  /** Default 1 GB. */
  readonly maxStateBytes?: number;
  /** A module to import instead of `node-llama-cpp`. */
  readonly llamaModule?: string;
  /** Prompt tokens between two looks at the abort signal. Default 64; a model of 134 million parameters reads them in 0.7 s on one core. */
  readonly promptChunkTokens?: number;
  /** Keep a context for each genome even where adapters can be switched. For comparison and for tests of the fallback. */
  readonly switching?: 'auto' | 'contexts';
}

export const defaultContextTokens = 4_096;
