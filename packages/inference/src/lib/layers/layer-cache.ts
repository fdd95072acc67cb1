import { GenieError } from '@genie/core/errors';

/** What the cache must know of a layer before it loads one. */
export interface LayerFile {
  /** SHA-256 of the file, hex: the identity of the layer. */
  readonly hash: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface LayerCacheOptions<Handle> {
  /** Default 20. */
  readonly maxLayers?: number;
  /** Default 500 MB (500 × 1024 × 1024). */
  readonly maxBytes?: number;
  load(layer: LayerFile): Promise<Handle>;
  /** Frees a handle that nobody uses. Called at most once for each. */
  dispose(handle: Handle, layer: LayerFile): void | Promise<void>;
}

export interface LayerCacheStats {
  readonly layers: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

/** Keeps a layer loaded while it is held. */
export interface LayerLease<Handle> {
  readonly handle: Handle;
  release(): void;
}

interface Entry<Handle> {
  readonly layer: LayerFile;
  readonly handle: Handle;
  pins: number;
  /** Uses, halved as time goes by: a layer that was popular once does not stay for ever. */
  frequency: number;
  lastUse: number;
}

/** Uses after which all frequencies are halved. */
const ageingUses = 256;

/**
 * Loads layers when they are needed and keeps the most used. The size is checked before loading; a layer in use is never
 * evicted; two requests for one layer load it once. Eviction takes the lowest frequency, then the longest unused.
 *
 * `acquire` rejects with `GENIE_LAYER_TOO_LARGE` (larger than the whole cache), `GENIE_LAYER_CACHE_FULL` (everything is in use), or what `load` threw.
 */
export class LayerCache<Handle> {
  readonly #options: LayerCacheOptions<Handle>;
  readonly #maxLayers: number;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry<Handle>>();
  readonly #loading = new Map<string, Promise<Entry<Handle>>>();
  readonly #disposing = new Map<string, Promise<void>>();
  #reservedLayers = 0;
  #reservedBytes = 0;
  #uses = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(options: LayerCacheOptions<Handle>) {
    this.#options = options;
    this.#maxLayers = Math.max(1, options.maxLayers ?? 20);
    this.#maxBytes = options.maxBytes ?? 500 * 1024 * 1024;
  }

  stats(): LayerCacheStats {
    const bytes = [...this.#entries.values()].reduce((sum, entry) => sum + entry.layer.sizeBytes, 0);
    return { layers: this.#entries.size, bytes, hits: this.#hits, misses: this.#misses, evictions: this.#evictions };
  }

  has(hash: string): boolean {
    return this.#entries.has(hash);
  }

  async acquire(layer: LayerFile): Promise<LayerLease<Handle>> {
    if (this.#entries.has(layer.hash) || this.#loading.has(layer.hash)) this.#hits += 1;
    else this.#misses += 1;
    let entry = this.#entries.get(layer.hash);
    while (!entry) {
      const loaded = await (this.#loading.get(layer.hash) ?? this.#load(layer));
      // Whoever was quicker may have made it a victim already.
      if (this.#entries.get(layer.hash) === loaded) entry = loaded;
    }
    this.#touch(entry);
    entry.pins += 1;
    let held = true;
    return {
      handle: entry.handle,
      release: () => {
        if (held) entry.pins -= 1;
        held = false;
      },
    };
  }

  /** Disposes one layer, unless somebody holds it. */
  async drop(hash: string): Promise<void> {
    const entry = this.#entries.get(hash);
    if (entry && entry.pins === 0) await this.#evict(entry);
  }

  /** The handle of a layer that is loaded. */
  peek(hash: string): Handle | undefined {
    return this.#entries.get(hash)?.handle;
  }

  /** Disposes everything that nobody holds. */
  async clear(): Promise<void> {
    for (const entry of this.#entries.values()) if (entry.pins === 0) await this.#evict(entry);
  }

  #load(layer: LayerFile): Promise<Entry<Handle>> {
    const work = this.#loadNow(layer).finally(() => this.#loading.delete(layer.hash));
    this.#loading.set(layer.hash, work);
    return work;
  }

  async #loadNow(layer: LayerFile): Promise<Entry<Handle>> {
    if (layer.sizeBytes > this.#maxBytes) {
      throw new GenieError(
        'GENIE_LAYER_TOO_LARGE',
        `Layer "${layer.path}" has ${layer.sizeBytes} bytes, the cache ${this.#maxBytes}: raise "maxBytes" or use a layer of lower rank.`,
      );
    }
    this.#reservedLayers += 1;
    this.#reservedBytes += layer.sizeBytes;
    try {
      await this.#makeRoom(layer);
      await this.#disposing.get(layer.hash);
      const handle = await this.#options.load(layer);
      const entry: Entry<Handle> = { layer, handle, pins: 0, frequency: 0, lastUse: 0 };
      this.#entries.set(layer.hash, entry);
      return entry;
    } finally {
      this.#reservedLayers -= 1;
      this.#reservedBytes -= layer.sizeBytes;
    }
  }

  async #makeRoom(layer: LayerFile): Promise<void> {
    for (;;) {
      const { layers, bytes } = this.stats();
      // Loads in flight count too; this one is among them.
      if (layers + this.#reservedLayers <= this.#maxLayers && bytes + this.#reservedBytes <= this.#maxBytes) return;
      const victim = this.#victim();
      if (!victim) {
        throw new GenieError(
          'GENIE_LAYER_CACHE_FULL',
          `Layer "${layer.path}" does not fit: all ${layers + this.#reservedLayers - 1} others are in use. Raise "maxLayers" or "maxBytes", or send fewer requests at once.`,
        );
      }
      await this.#evict(victim);
    }
  }

  #victim(): Entry<Handle> | undefined {
    let victim: Entry<Handle> | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.pins > 0) continue;
      const worse =
        !victim ||
        entry.frequency < victim.frequency ||
        (entry.frequency === victim.frequency && entry.lastUse < victim.lastUse);
      if (worse) victim = entry;
    }
    return victim;
  }

  async #evict(entry: Entry<Handle>): Promise<void> {
    this.#entries.delete(entry.layer.hash);
    this.#evictions += 1;
    const { hash } = entry.layer;
    const work = Promise.resolve(this.#options.dispose(entry.handle, entry.layer)).finally(() =>
      this.#disposing.delete(hash),
    );
    this.#disposing.set(hash, work);
    await work;
  }

  #touch(entry: Entry<Handle>): void {
    this.#uses += 1;
    entry.frequency += 1;
    entry.lastUse = this.#uses;
    if (this.#uses % ageingUses === 0) for (const one of this.#entries.values()) one.frequency /= 2;
  }
}
