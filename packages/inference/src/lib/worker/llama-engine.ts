import { GenieError } from '@genie/core/errors';
import { toModelError } from '../failure/model-failure.ts';
import { canonicalLayers, genomeHash } from '../genome/genome-hash.ts';
import { type CheckedLayer, checkLayer, stampOf } from '../layers/check-layer.ts';
import { LayerCache, type LayerLease } from '../layers/layer-cache.ts';
import type { Backend } from './backend.ts';
import type { EngineOptions } from './engine-options.ts';
import type { EngineRequest, EngineResult, EngineStats } from './engine-request.ts';
import type { LlamaSequence, Token } from './llama-library.ts';
import { type EngineParts, loadEngine } from './load-engine.ts';
import { PrefixStore } from './prefix-store.ts';
import { toTokens } from './prompt-tokens.ts';
import { Sampling } from './sampling.ts';
import { TextStream } from './text-stream.ts';

/**
 * One base model with switchable LoRA layers and a KV cache for each genome, in this process. Runs one request at a time: adapters are set
 * for a whole context. Meant to live in a child process, because native code can crash it. `run` rejects with model failure codes
 * (`GENIE_MODEL_CONTEXT_LENGTH`, `GENIE_MODEL_BAD_REQUEST`), layer codes of {@link checkLayer} and {@link LayerCache}, or the signal's reason.
 */
export class LlamaEngine {
  readonly #parts: EngineParts;
  readonly #layers: LayerCache<CheckedLayer>;
  readonly #prefixes: PrefixStore;
  readonly #sampling: Sampling;
  readonly #checked = new Map<string, CheckedLayer>();
  #last: Promise<unknown> = Promise.resolve();

  private constructor(parts: EngineParts, options: EngineOptions) {
    this.#parts = parts;
    this.#prefixes = new PrefixStore(parts);
    this.#sampling = new Sampling(parts);
    this.#layers = new LayerCache<CheckedLayer>({
      maxLayers: options.maxLayers ?? 20,
      maxBytes: options.maxLayerBytes ?? 500 * 1024 * 1024,
      load: async ({ path }) => this.#checked.get(path) as CheckedLayer,
      dispose: (layer) => parts.host.forget(layer.path),
    });
  }

  /** Loads library and model; the library may have been started before, and is then not ended with this engine. Rejects with `GENIE_MODEL_PEER_MISSING`, `GENIE_GGUF_INVALID`, `GENIE_MODEL_CHANGED`, `GENIE_MODEL_LOAD`. */
  static async create(options: EngineOptions, prepared?: Promise<Backend>): Promise<LlamaEngine> {
    return new LlamaEngine(await loadEngine(options, prepared), options);
  }

  /** What the model file looked like when it was checked. */
  get modelStamp(): string {
    return this.#parts.stamp;
  }

  stats(): EngineStats {
    const layers = this.#layers.stats();
    const states = this.#parts.states?.stats();
    return {
      layers: layers.layers,
      layerBytes: layers.bytes,
      layerHits: layers.hits,
      layerMisses: layers.misses,
      layerEvictions: layers.evictions,
      prefixHits: this.#prefixes.hits,
      prefixRestores: states?.restored ?? 0,
      prefixMisses: this.#prefixes.misses,
      stateBytes: states?.bytes ?? 0,
      rssBytes: process.memoryUsage.rss(),
      warmKeys: this.#parts.host.keys(),
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
    const { host, model, closeBackend, states } = this.#parts;
    await host.close();
    await this.#layers.clear();
    await model.dispose();
    await closeBackend();
    await states?.close();
  }

  async #runNow(
    request: EngineRequest,
    onText: (text: string) => void,
    signal: AbortSignal | undefined,
  ): Promise<EngineResult> {
    signal?.throwIfAborted();
    const startedAt = performance.now();
    const { library, model, baseHash } = this.#parts;
    const leases: LayerLease<CheckedLayer>[] = [];
    try {
      const { layers, fresh } = await this.#acquire(request, leases);
      this.#checkLength(request.messages);
      const tokens = toTokens(library, model, request.messages);
      const room = this.#roomFor(tokens);
      const sequence = await this.#prefixes.take(genomeHash(baseHash, layers), layers, tokens);
      await this.#checkStill(fresh);
      const cachedTokens = sequence.nextTokenIndex;
      const last = await this.#readPrompt(sequence, tokens.slice(cachedTokens), signal);
      const made = await this.#generate({ request, sequence, tokens, last, room, onText, signal, startedAt });
      return { ...made, promptTokens: tokens.length, cachedTokens, tookMs: performance.now() - startedAt };
    } finally {
      for (const lease of leases) lease.release();
    }
  }

  /** The layers of a request, checked, in canonical form and loaded; each has its lease before the next is loaded. Of equal files the one that is loaded already is used. */
  async #acquire(request: EngineRequest, leases: LayerLease<CheckedLayer>[]) {
    const checked = request.layers.map(async (layer) => ({ ...(await this.#check(layer)), weight: layer.weight }));
    const layers: (CheckedLayer & { readonly weight: number })[] = [];
    const fresh: CheckedLayer[] = [];
    for (const layer of canonicalLayers(await Promise.all(checked))) {
      if (!this.#layers.has(layer.hash)) fresh.push(layer);
      const lease = await this.#layers.acquire(layer);
      leases.push(lease);
      layers.push({ ...lease.handle, weight: layer.weight });
    }
    return { layers, fresh };
  }

  /** The native library has read the files by now: what it read must be what was checked. */
  async #checkStill(layers: readonly CheckedLayer[]): Promise<void> {
    for (const { path, stamp } of layers) {
      if ((await stampOf(path)) === stamp) continue;
      await this.#parts.host.forget(path);
      throw new GenieError('GENIE_LAYER_CHANGED', `Layer "${path}" changed while it was loaded: try again.`);
    }
  }

  /** Tokenising megabytes takes the thread that must answer pings; what cannot fit whatever its tokens are is not tokenised. */
  #checkLength(messages: EngineRequest['messages']): void {
    const { contextTokens, longestToken } = this.#parts;
    const characters = messages.reduce((sum, { text }) => sum + text.length, 0);
    const least = Math.ceil(characters / longestToken);
    if (least < contextTokens) return;
    const message = `the prompt has at least ${least} tokens, the context ${contextTokens}`;
    throw toModelError({ kind: 'context-length', message }, 'local');
  }

  #roomFor(tokens: readonly Token[]): number {
    const { contextTokens } = this.#parts;
    if (tokens.length < contextTokens) return contextTokens - tokens.length;
    const message = `the prompt has ${tokens.length} tokens, the context ${contextTokens}`;
    throw toModelError({ kind: 'context-length', message }, 'local');
  }

  /** Reads all but the last chunk of a prompt. The last one goes with the first token, which saves a decode. */
  async #readPrompt(
    sequence: LlamaSequence,
    tokens: readonly Token[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Token[]> {
    const chunk = this.#parts.promptChunkTokens;
    let at = 0;
    for (; at + chunk < tokens.length; at += chunk) {
      signal?.throwIfAborted();
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + chunk));
    }
    signal?.throwIfAborted();
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
    const text = new TextStream(this.#parts.model, request.stop ?? [], tokens.slice(-8));
    const deliver = (piece: string) => {
      if (piece !== '') job.onText(piece);
    };
    let outputTokens = 0;
    let firstTokenMs = 0;
    let finish: EngineResult['finish'] = 'length';
    for await (const token of sequence.evaluate(job.last, await this.#sampling.of(request))) {
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

  /** Looks closely at a file once, and again whenever it changed. */
  async #check(layer: EngineRequest['layers'][number]): Promise<CheckedLayer> {
    const known = this.#checked.get(layer.path);
    if (known && known.stamp === (await stampOf(layer.path)) && (layer.hash === undefined || layer.hash === known.hash))
      return known;
    const checked = await checkLayer(layer.path, this.#parts.base, layer.hash ?? known?.hash);
    // The library knows adapters by their paths: what it holds under this one has other weights now.
    if (known && known.hash !== checked.hash && this.#layers.peek(known.hash)?.path === layer.path)
      await this.#layers.drop(known.hash);
    this.#checked.set(layer.path, checked);
    return checked;
  }
}
