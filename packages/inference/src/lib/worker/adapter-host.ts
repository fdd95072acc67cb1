import { chooseSlot, type KvSlot, type SlotChoice } from './kv-slots.ts';
import {
  canSwitchAdapters,
  freeAdapter,
  type LlamaContext,
  type LlamaModel,
  type LlamaSequence,
  type Token,
} from './llama-library.ts';

export interface Adapter {
  readonly filePath: string;
  readonly scale: number;
}

/** Called with what a slot holds before it is given to another key. */
export type BeforeEviction = (key: string, sequence: LlamaSequence) => Promise<void>;

export interface TakenSequence {
  readonly sequence: LlamaSequence;
  readonly kind: SlotChoice<LlamaSequence>['kind'];
}

/** Gives out sequences with the right adapters set. */
export interface AdapterHost {
  take(
    key: string,
    adapters: readonly Adapter[],
    tokens: readonly Token[],
    beforeEviction: BeforeEviction,
  ): Promise<TakenSequence>;
  /** Frees the adapter of a layer file that no running request uses. */
  forget(path: string): Promise<void>;
  keys(): readonly string[];
  close(): Promise<void>;
}

export interface HostOptions {
  readonly contextTokens: number;
  readonly slots: number;
  readonly threads: number;
  readonly switching: 'auto' | 'contexts';
}

/** One context whose adapters are switched where the library can do that; else a bounded set of contexts, one for each genome. */
export async function createAdapterHost(model: LlamaModel, options: HostOptions): Promise<AdapterHost> {
  if (options.switching === 'contexts') return new ContextPool(model, options);
  const context = await model.createContext({
    contextSize: options.contextTokens,
    sequences: options.slots,
    threads: options.threads,
  });
  if (canSwitchAdapters(model, context)) return new SwitchingContext(model, context, options.slots);
  await context.dispose();
  return new ContextPool(model, options);
}

class SwitchingContext implements AdapterHost {
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #slots: KvSlot<LlamaSequence>[];
  #set = '';
  #uses = 0;

  constructor(model: LlamaModel, context: LlamaContext, slots: number) {
    this.#model = model;
    this.#context = context;
    this.#slots = Array.from({ length: slots }, () => ({
      sequence: context.getSequence(),
      key: undefined,
      lastUse: 0,
    }));
  }

  async take(
    key: string,
    adapters: readonly Adapter[],
    tokens: readonly Token[],
    beforeEviction: BeforeEviction,
  ): Promise<TakenSequence> {
    const { slot, kind } = chooseSlot(this.#slots, key, (sequence) => ({
      common: sequence.compareContextTokens(tokens).firstDifferentIndex,
      held: sequence.nextTokenIndex,
    }));
    if (kind === 'evict' && slot.key !== undefined) await beforeEviction(slot.key, slot.sequence);
    if (kind !== 'hit' && slot.sequence.nextTokenIndex > 0) await slot.sequence.clearHistory();
    await this.#apply(adapters);
    this.#uses += 1;
    slot.key = key;
    slot.lastUse = this.#uses;
    return { sequence: slot.sequence, kind };
  }

  async forget(path: string): Promise<void> {
    const adapter = [...(this.#model._loraAdapters?.values() ?? [])].find((one) => one.filePath === path);
    if (!adapter) return;
    // Detach first: freeing an adapter that is set crashes the process.
    await this.#apply([]);
    await freeAdapter(this.#model, this.#context, adapter);
  }

  keys(): readonly string[] {
    return this.#slots.flatMap(({ key }) => key ?? []);
  }

  async close(): Promise<void> {
    await this.#apply([]);
    await this.#context.dispose();
  }

  async #apply(adapters: readonly Adapter[]): Promise<void> {
    const wanted = JSON.stringify(adapters);
    if (wanted === this.#set) return;
    this.#set = 'unknown';
    await this.#context._setLoras?.(adapters);
    this.#set = wanted;
  }
}

interface PooledContext {
  readonly context: LlamaContext;
  readonly sequence: LlamaSequence;
  readonly paths: readonly string[];
  lastUse: number;
}

/** At most this many contexts: each holds its own compute buffers. */
const maxContexts = 4;

class ContextPool implements AdapterHost {
  readonly #model: LlamaModel;
  readonly #options: HostOptions;
  readonly #contexts = new Map<string, PooledContext>();
  #uses = 0;

  constructor(model: LlamaModel, options: HostOptions) {
    this.#model = model;
    this.#options = options;
  }

  async take(
    key: string,
    adapters: readonly Adapter[],
    _tokens: readonly Token[],
    beforeEviction: BeforeEviction,
  ): Promise<TakenSequence> {
    this.#uses += 1;
    const known = this.#contexts.get(key);
    if (known) {
      known.lastUse = this.#uses;
      return { sequence: known.sequence, kind: 'hit' };
    }
    const isFull = this.#contexts.size >= Math.min(maxContexts, this.#options.slots);
    if (isFull) await this.#evictOldest(beforeEviction);
    const { contextTokens, threads } = this.#options;
    const lora = adapters.length > 0 ? { lora: { adapters } } : {};
    const context = await this.#model.createContext({ contextSize: contextTokens, sequences: 1, threads, ...lora });
    const sequence = context.getSequence();
    this.#contexts.set(key, {
      context,
      sequence,
      paths: adapters.map(({ filePath }) => filePath),
      lastUse: this.#uses,
    });
    return { sequence, kind: isFull ? 'evict' : 'free' };
  }

  /** Contexts own their adapters here; those that use the file go. */
  async forget(path: string): Promise<void> {
    for (const [key, pooled] of this.#contexts) if (pooled.paths.includes(path)) await this.#drop(key, pooled);
  }

  keys(): readonly string[] {
    return [...this.#contexts.keys()];
  }

  async close(): Promise<void> {
    for (const [key, pooled] of this.#contexts) await this.#drop(key, pooled);
  }

  async #evictOldest(beforeEviction: BeforeEviction): Promise<void> {
    const [oldest] = [...this.#contexts].sort(([, left], [, right]) => left.lastUse - right.lastUse);
    if (!oldest) return;
    await beforeEviction(oldest[0], oldest[1].sequence);
    await this.#drop(...oldest);
  }

  async #drop(key: string, pooled: PooledContext): Promise<void> {
    this.#contexts.delete(key);
    await pooled.context.dispose();
  }
}
