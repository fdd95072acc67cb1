import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { EngineLayer } from '../worker/engine-request.ts';
import type { Layer } from './genome.ts';
import type { GenomeStore } from './genome-store.ts';

export interface ResolveGenomeOptions {
  /** Where layers from the network are kept, named by their hash. */
  readonly folder: string;
  /** How layers are fetched: a genie's egress filter. */
  readonly fetch: typeof globalThis.fetch;
  readonly signal?: AbortSignal;
}

/** What `daemon.model` and `daemon.request` take. */
export interface ResolvedGenome {
  /** The id of the base model, as the record names it. */
  readonly base: string;
  /** SHA-256 that the base should have. */
  readonly baseHash: string;
  readonly layers: readonly EngineLayer[];
}

/**
 * Turns a genome's record into files that a daemon can load: layers with a path are taken where they are, layers with an http(s) address are fetched once, no larger than
 * their record says, and kept only with the right hash. Rejects with `GENIE_GENOME_UNKNOWN`, `GENIE_LAYER_MISSING` (not reachable), `GENIE_LAYER_CHANGED` (another
 * hash or size), or the reason of the signal. The daemon checks every file once more before it loads it.
 */
export async function resolveGenome(
  store: GenomeStore,
  genomeId: string,
  options: ResolveGenomeOptions,
): Promise<ResolvedGenome> {
  const { signal } = options;
  const genome = await store.getGenome(genomeId, signal ? { signal } : {});
  if (!genome) throw new GenieError('GENIE_GENOME_UNKNOWN', `Genome "${genomeId}" is not stored: put it first.`);
  const layers: EngineLayer[] = [];
  for (const { layerId, weight } of [...genome.layers].sort((left, right) => left.orderIndex - right.orderIndex)) {
    const layer = await store.getLayer(layerId, signal ? { signal } : {});
    if (!layer)
      throw new GenieError(
        'GENIE_GENOME_UNKNOWN',
        `Layer "${layerId}" of genome "${genomeId}" is not stored: put it first.`,
      );
    layers.push({ path: await fileOf(layer, options), hash: layer.contentHash, weight });
  }
  return { base: genome.baseModel.id, baseHash: genome.baseModel.contentHash, layers };
}

async function fileOf(layer: Layer, options: ResolveGenomeOptions): Promise<string> {
  if (!/^https?:\/\//.test(layer.location)) return layer.location;
  const path = join(options.folder, `${layer.contentHash}.gguf`);
  if ((await sizeOf(path)) === layer.sizeBytes) return path;
  await mkdir(options.folder, { recursive: true });
  // A name of its own: two callers may fetch the same layer, and the one who ends first is as good as the other.
  const part = `${path}.${process.pid}-${Math.round(performance.now() * 1_000)}.part`;
  try {
    await download(layer, part, options);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    options.signal?.throwIfAborted();
    if (GenieError.isInstance(error)) throw error;
    throw new GenieError(
      'GENIE_LAYER_MISSING',
      `Layer "${layer.layerId}" cannot be fetched from ${layer.location}: ${describeThrown(error)}.`,
      { cause: error },
    );
  }
  return path;
}

async function download(layer: Layer, path: string, { fetch, signal }: ResolveGenomeOptions): Promise<void> {
  const response = await fetch(layer.location, signal ? { signal } : {});
  if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  let size = 0;
  try {
    for await (const piece of response.body) {
      size += piece.length;
      if (size > layer.sizeBytes) throw changed(layer, `it has more than the ${layer.sizeBytes} bytes of its record`);
      hash.update(piece);
      // Unlike `write`, goes on until the whole piece is there or there is no room.
      await file.appendFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const digest = hash.digest('hex');
  if (digest !== layer.contentHash)
    throw changed(layer, `its hash is ${digest.slice(0, 12)}…, the record says ${layer.contentHash.slice(0, 12)}…`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

function changed(layer: Layer, problem: string): GenieError {
  return new GenieError(
    'GENIE_LAYER_CHANGED',
    `Layer "${layer.layerId}" from ${layer.location} is not what was recorded: ${problem}. Update the record or the address.`,
  );
}
