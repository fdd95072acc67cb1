import type { Genome, GenomeInput, Layer, LayerInput } from './genome.ts';

export interface StoreOptions {
  readonly signal?: AbortSignal;
}

export interface GenomeSearch {
  /** Nearest by cosine; only records of the same space are compared. */
  readonly near?: { readonly space: string; readonly values: readonly number[] };
  /** Records must have all of them. */
  readonly tags?: readonly string[];
  readonly traitType?: Layer['traitType'];
  /** Only what may leave this machine. */
  readonly publicOnly?: boolean;
  /** Default 10. */
  readonly limit?: number;
}

export interface GenomeMatch<Record> {
  readonly record: Record;
  /** Cosine, −1 to 1; 0 without `near`. */
  readonly score: number;
}

/**
 * Where genome and layer records live. Called by the daemon (to resolve a genome) and by the academy (to search).
 * Errors by code: `GENIE_GENOME_INVALID` (a record or a reference that does not hold), `GENIE_GENOME_UNKNOWN`, `GENIE_GENOME_STORE`.
 */
export interface GenomeStore {
  /** Inserts or replaces by `layerId`. Durable when it resolves. */
  putLayer(layer: LayerInput, options?: StoreOptions): Promise<Layer>;
  getLayer(layerId: string, options?: StoreOptions): Promise<Layer | undefined>;
  /** Rejects while a genome refers to it. True when it existed. */
  deleteLayer(layerId: string, options?: StoreOptions): Promise<boolean>;
  /** Inserts or replaces by `genomeId`; every layer must exist and fit the base model. */
  putGenome(genome: GenomeInput, options?: StoreOptions): Promise<Genome>;
  getGenome(genomeId: string, options?: StoreOptions): Promise<Genome | undefined>;
  searchLayers(search: GenomeSearch, options?: StoreOptions): Promise<readonly GenomeMatch<Layer>[]>;
  searchGenomes(search: GenomeSearch, options?: StoreOptions): Promise<readonly GenomeMatch<Genome>[]>;
  close(): Promise<void>;
}
