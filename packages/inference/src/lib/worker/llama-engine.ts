import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { toModelError } from '../failure/model-failure.ts';
import { canonicalLayers, genomeHash } from '../genome/genome-hash.ts';
import { type GgufHeader, readGguf } from '../gguf/read-gguf.ts';
import { type CheckedLayer, checkLayer, stampOf } from '../layers/check-layer.ts';
import { LayerCache, type LayerLease } from '../layers/layer-cache.ts';
import { type AdapterHost, createAdapterHost } from './adapter-host.ts';
import type { EngineRequest, EngineResult, EngineStats } from './engine-request.ts';
import { jsonGrammar } from './json-grammar.ts';
import {
  type Llama,
  type LlamaGrammar,
  type LlamaLibrary,
  type LlamaModel,
  type LlamaSequence,
  loadLlamaLibrary,
  type Token,
} from './llama-library.ts';
import { toTokens } from './prompt-tokens.ts';
import { StateFiles } from './state-files.ts';
import { TextStream } from './text-stream.ts';

export interface EngineOptions {
  readonly modelPath: string;
  /** Tokens a conversation may have. Default 4,096. */
  readonly contextTokens?: number;
  /** Genomes whose KV stays in memory. Default 20. */
  readonly slots?: number;
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
  /** Prompt tokens between two looks at the abort signal. Default 64. */
  readonly promptChunkTokens?: number;
  /** Keep a context for each genome even where adapters can be switched. For comparison and for tests of the fallback. */
  readonly switching?: 'auto' | 'contexts';
}

/**
 * One base model with switchable LoRA layers and a KV cache for each genome, in this process. Runs one request at a time: adapters are set
 * for a whole context. Meant to live in a child process, because native code can crash it. `run` rejects with model failure codes
 * (`GENIE_MODEL_CONTEXT_LENGTH`, `GENIE_MODEL_BAD_REQUEST`), layer codes of {@link checkLayer} and {@link LayerCache}, or the signal's reason.
 */
export class LlamaEngine {
  readonly #options: EngineOptions;
  readonly #library: LlamaLibrary;
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #base: GgufHeader;
  readonly #baseHash: string;
  readonly #host: AdapterHost;
  readonly #layers: LayerCache<CheckedLayer>;
  readonly #states: StateFiles | undefined;
  readonly #checked = new Map<string, CheckedLayer>();
  readonly #grammars = new Map<string, LlamaGrammar>();
  #last: Promise<unknown> = Promise.resolve();
  #prefixHits = 0;
  #prefixMisses = 0;

  private constructor(parts: {
    readonly options: EngineOptions;
    readonly library: LlamaLibrary;
    readonly llama: Llama;
    readonly model: LlamaModel;
    readonly base: GgufHeader;
    readonly baseHash: string;
    readonly host: AdapterHost;
    readonly states: StateFiles | undefined;
  }) {
    this.#options = parts.options;
    this.#library = parts.library;
    this.#llama = parts.llama;
    this.#model = parts.model;
    this.#base = parts.base;
    this.#baseHash = parts.baseHash;
    this.#host = parts.host;
    this.#states = parts.states;
    this.#layers = new LayerCache<CheckedLayer>({
      maxLayers: parts.options.maxLayers ?? 20,
      maxBytes: parts.options.maxLayerBytes ?? 500 * 1024 * 1024,
      load: async ({ path }) => this.#checked.get(path) as CheckedLayer,
      dispose: (layer) => this.#host.forget(layer.path),
    });
  }

  /** Loads library and model. Rejects with `GENIE_MODEL_PEER_MISSING`, `GENIE_GGUF_INVALID`, `GENIE_MODEL_LOAD`. */
  static async create(options: EngineOptions): Promise<LlamaEngine> {
    const base = await readGguf(options.modelPath);
    const baseHash = await fingerprint(options.modelPath);
    const library = await loadLlamaLibrary(options.llamaModule);
    // The default number of threads spins and is up to 1,000 times slower on small machines.
    const llama = await library.getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: 'error',
      maxThreads: options.threads,
    });
    const model = await llama.loadModel({ modelPath: options.modelPath, gpuLayers: 0 });
    const host = await createAdapterHost(model, {
      contextTokens: options.contextTokens ?? 4_096,
      slots: options.slots ?? 20,
      threads: options.threads,
      switching: options.switching ?? 'auto',
    });
    const states =
      options.stateFolder === undefined
        ? undefined
        : await StateFiles.open(options.stateFolder, options.maxStateBytes ?? 1024 ** 3);
    return new LlamaEngine({ options, library, llama, model, base, baseHash, host, states });
  }

  get baseHash(): string {
    return this.#baseHash;
  }

  stats(): EngineStats {
    const layers = this.#layers.stats();
    const states = this.#states?.stats();
    return {
      layers: layers.layers,
      layerBytes: layers.bytes,
      layerHits: layers.hits,
      layerMisses: layers.misses,
      layerEvictions: layers.evictions,
      prefixHits: this.#prefixHits,
      prefixRestores: states?.restored ?? 0,
      prefixMisses: this.#prefixMisses,
      stateBytes: states?.bytes ?? 0,
      rssBytes: process.memoryUsage.rss(),
      warmKeys: this.#host.keys(),
    };
  }

  /** Generates; `onText` gets the pieces in order. Requests wait for each other. */
  run(request: EngineRequest, onText: (text: string) => void, signal?: AbortSignal): Promise<EngineResult> {
    const work = this.#last.then(() => this.#runNow(request, onText, signal));
    this.#last = work.catch(() => undefined);
    return work;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#host.close();
    await this.#layers.clear();
    await this.#model.dispose();
    await this.#llama.dispose();
    await this.#states?.close();
  }

  async #runNow(
    request: EngineRequest,
    onText: (text: string) => void,
    signal: AbortSignal | undefined,
  ): Promise<EngineResult> {
    signal?.throwIfAborted();
    const startedAt = performance.now();
    const leases: LayerLease<CheckedLayer>[] = [];
    try {
      const layers = canonicalLayers(
        await Promise.all(
          request.layers.map(async (layer) => ({ ...(await this.#check(layer)), weight: layer.weight })),
        ),
      );
      for (const layer of layers) leases.push(await this.#layers.acquire(layer));
      const tokens = toTokens(this.#library, this.#model, request.messages);
      const room = (this.#options.contextTokens ?? 4_096) - tokens.length;
      if (room < 1) {
        throw toModelError(
          {
            kind: 'context-length',
            message: `the prompt has ${tokens.length} tokens, the context ${this.#options.contextTokens ?? 4_096}`,
          },
          'local',
        );
      }
      const sequence = await this.#prepare(genomeHash(this.#baseHash, layers), layers, tokens);
      const cachedTokens = sequence.nextTokenIndex;
      const last = await this.#readPrompt(sequence, tokens.slice(cachedTokens), signal);
      const made = await this.#generate({ request, sequence, tokens, last, room, onText, signal, startedAt });
      return { ...made, promptTokens: tokens.length, cachedTokens, tookMs: performance.now() - startedAt };
    } finally {
      for (const lease of leases) lease.release();
    }
  }

  /** A sequence with the adapters set and as much of the prompt as is known; always at least one token short of it. */
  async #prepare(
    key: string,
    layers: readonly (CheckedLayer & { readonly weight: number })[],
    tokens: readonly Token[],
  ): Promise<LlamaSequence> {
    const adapters = layers.map(({ path, weight }) => ({ filePath: path, scale: weight }));
    const known = tokens.slice(0, -1);
    const { sequence, kind } = await this.#host.take(key, adapters, known, (oldKey, old) => this.#save(oldKey, old));
    const restored =
      kind !== 'hit' &&
      this.#states !== undefined &&
      (await this.#states.restore(key, (path) => sequence.loadStateFromFile(path, { acceptRisk: true })));
    if (sequence.nextTokenIndex > 0) await sequence.adaptStateToTokens(known, false);
    if (kind === 'hit' || restored) this.#prefixHits += 1;
    else this.#prefixMisses += 1;
    return sequence;
  }

  async #save(key: string, sequence: LlamaSequence): Promise<void> {
    if (!this.#states || this.#states.has(key) || sequence.nextTokenIndex < 16) return;
    await this.#states.save(key, sequence.nextTokenIndex * this.#bytesPerToken(), (path) =>
      sequence.saveStateToFile(path),
    );
  }

  /** K and V in f16 for each layer. */
  #bytesPerToken(): number {
    const architecture = String(this.#base.metadata.get('general.architecture'));
    const width = Number(this.#base.metadata.get(`${architecture}.embedding_length`) ?? 4_096);
    const layers = Number(this.#base.metadata.get(`${architecture}.block_count`) ?? 32);
    return 4 * width * layers;
  }

  /** Reads all but the last chunk of a prompt. The last one goes with the first token, which saves a decode. */
  async #readPrompt(
    sequence: LlamaSequence,
    tokens: readonly Token[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Token[]> {
    const chunk = this.#options.promptChunkTokens ?? 64;
    let at = 0;
    for (; at + chunk < tokens.length; at += chunk) {
      signal?.throwIfAborted();
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + chunk));
    }
    return tokens.slice(at);
  }

  async #generate(job: {
    readonly request: EngineRequest;
    readonly sequence: LlamaSequence;
    readonly tokens: readonly Token[];
    /** The tokens of the prompt that are still to be read. */
    readonly last: readonly Token[];
    readonly room: number;
    readonly onText: (text: string) => void;
    readonly signal: AbortSignal | undefined;
    readonly startedAt: number;
  }): Promise<Pick<EngineResult, 'finish' | 'outputTokens' | 'firstTokenMs'>> {
    const { request, sequence, tokens, signal } = job;
    const limit = Math.min(request.maxTokens, job.room);
    const text = new TextStream(this.#model, request.stop ?? [], tokens.slice(-8));
    const deliver = (piece: string) => {
      if (piece !== '') job.onText(piece);
    };
    let outputTokens = 0;
    let firstTokenMs = 0;
    let finish: EngineResult['finish'] = 'length';
    for await (const token of sequence.evaluate(job.last, await this.#sampling(request))) {
      signal?.throwIfAborted();
      outputTokens += 1;
      if (outputTokens === 1) firstTokenMs = performance.now() - job.startedAt;
      deliver(text.push(token));
      if (text.stopped) finish = 'stop';
      if (text.stopped || outputTokens >= limit) break;
      finish = 'length';
    }
    // The generator ends by itself only at an end-of-generation token or at the end of the grammar.
    if (outputTokens < limit) finish = 'stop';
    deliver(text.flush());
    return { finish, outputTokens, firstTokenMs };
  }

  async #sampling(request: EngineRequest): Promise<Readonly<Record<string, unknown>>> {
    const { temperature = 0, topP, topK, seed, schema } = request;
    const grammar = schema ? await this.#grammar(schema, request.maxTokens) : undefined;
    return {
      temperature,
      ...(topP === undefined ? {} : { topP }),
      ...(topK === undefined ? {} : { topK }),
      ...(seed === undefined ? {} : { seed }),
      ...(grammar
        ? { grammarEvaluationState: new this.#library.LlamaGrammarEvaluationState({ model: this.#model, grammar }) }
        : {}),
    };
  }

  async #grammar(schema: NonNullable<EngineRequest['schema']>, maxTokens: number): Promise<LlamaGrammar> {
    const name = `${maxTokens} ${JSON.stringify(schema)}`;
    const known = this.#grammars.get(name);
    if (known) return known;
    const grammar = await this.#llama.createGrammar({ grammar: jsonGrammar(schema, maxTokens) });
    if (this.#grammars.size >= 64) this.#grammars.delete(this.#grammars.keys().next().value ?? '');
    this.#grammars.set(name, grammar);
    return grammar;
  }

  /** Looks closely at a file once, and again whenever it changed. */
  async #check(layer: EngineRequest['layers'][number]): Promise<CheckedLayer> {
    const known = this.#checked.get(layer.path);
    if (known && known.stamp === (await stampOf(layer.path)) && (layer.hash === undefined || layer.hash === known.hash))
      return known;
    const checked = await checkLayer(layer.path, this.#base, layer.hash ?? known?.hash);
    this.#checked.set(layer.path, checked);
    return checked;
  }
}

/** SHA-256 over size, the first and last MiB and a sample of the middle: enough to tell models apart within a process, without reading gigabytes. */
async function fingerprint(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const hash = createHash('sha256').update(String(size));
    const piece = Buffer.alloc(1 << 20);
    for (const at of [0, Math.floor(size / 3), Math.floor((2 * size) / 3), Math.max(0, size - piece.length)]) {
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      hash.update(piece.subarray(0, bytesRead));
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}
