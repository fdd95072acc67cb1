import { createHash } from 'node:crypto';

/** A layer as the model sees it: which file, and how strongly. */
export interface WeightedLayer {
  /** SHA-256 of the file, hex. */
  readonly hash: string;
  readonly weight: number;
}

/**
 * The same stack in one form: layers add up, so equal ones are summed, those without effect dropped, and the order is by hash. Two stacks
 * with the same canonical form give the same text.
 */
export function canonicalLayers<One extends WeightedLayer>(layers: readonly One[]): readonly One[] {
  const byHash = new Map<string, One>();
  for (const layer of layers) {
    const known = byHash.get(layer.hash);
    byHash.set(layer.hash, known ? { ...known, weight: known.weight + layer.weight } : layer);
  }
  return [...byHash.values()]
    .filter(({ weight }) => weight !== 0)
    .sort((left, right) => (left.hash < right.hash ? -1 : 1));
}

/** SHA-256 over base and canonical layers, hex: what a KV cache of this genome is keyed by. */
export function genomeHash(baseHash: string, layers: readonly WeightedLayer[]): string {
  const parts = canonicalLayers(layers).map(({ hash, weight }) => `${hash}*${weight}`);
  return createHash('sha256')
    .update([baseHash, ...parts].join('\n'))
    .digest('hex');
}
