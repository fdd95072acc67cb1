import type { EmbeddingModelV2, EmbeddingModelV3, EmbeddingModelV4 } from '@ai-sdk/provider';
import { GenieError } from '@genie/core/errors';
import { CachingEmbedder, type EmbedBatch, invalid } from './caching-embedder.ts';
import type { Embedder } from './embedder.ts';
import { hashVector } from './hash-vector.ts';
import { createTransformersEmbedder, type TransformersOptions } from './transformers-embedder.ts';

/** Any version of the AI SDK's embedding contract. */
export type AnyEmbeddingModel = EmbeddingModelV4 | EmbeddingModelV3 | EmbeddingModelV2<string>;

export interface EmbedderOptions extends TransformersOptions {
  /** Of `hash`: 16 to 4,096. Default 256. */
  readonly dimensions?: number;
  /** Texts a call at most; the model's own limit applies too. Default 96. */
  readonly batchSize?: number;
  /** Vectors kept, keyed by the SHA-256 of their text. Default 10,000; 0 keeps none. */
  readonly cacheEntries?: number;
}

/**
 * Makes an embedder: `hash` (no model, deterministic, on this machine), `transformers/<folder or id>` (an ONNX model in threads of this process), or any AI SDK
 * embedding model. Batches, embeds equal texts once, shares calls in flight, caches by content, and checks dimension and norm.
 * Throws `GENIE_EMBEDDER_INVALID`.
 */
export function createEmbedder(
  source: 'hash' | `transformers/${string}` | AnyEmbeddingModel,
  options: EmbedderOptions = {},
): Embedder {
  if (source === 'hash') return createHashEmbedder(options);
  if (typeof source === 'string' && /^transformers\/./.test(source))
    return createTransformersEmbedder(source.slice('transformers/'.length), options);
  if (typeof source === 'object' && typeof source.doEmbed === 'function') {
    return new CachingEmbedder(source.provider, source.modelId, {
      ...options,
      embedBatch: viaModel(source),
    }).toEmbedder();
  }
  throw new GenieError(
    'GENIE_EMBEDDER_INVALID',
    `Embedder ${JSON.stringify(source)} is not known: use "hash", "transformers/<folder or id>" or an AI SDK embedding model, e.g. openai.embeddingModel("text-embedding-3-small").`,
  );
}

function createHashEmbedder(options: EmbedderOptions): Embedder {
  const dimensions = options.dimensions ?? 256;
  if (!Number.isInteger(dimensions) || dimensions < 16 || dimensions > 4_096) {
    throw new GenieError(
      'GENIE_EMBEDDER_INVALID',
      `Embedder "hash" has dimensions ${dimensions}: use a whole number from 16 to 4,096.`,
    );
  }
  const embedBatch: EmbedBatch = async (texts) => texts.map((text) => hashVector(text, dimensions));
  return new CachingEmbedder('genie', `hash-${dimensions}`, { ...options, embedBatch, dimensions }).toEmbedder();
}

function viaModel(model: AnyEmbeddingModel): EmbedBatch {
  return async (texts, signal) => {
    const limit = (await model.maxEmbeddingsPerCall) ?? Number.POSITIVE_INFINITY;
    const vectors: (readonly number[])[] = [];
    for (let at = 0; at < texts.length; at += limit) {
      const values = texts.slice(at, at + limit);
      const { embeddings } = await model.doEmbed({ values, ...(signal ? { abortSignal: signal } : {}) });
      if (embeddings.length !== values.length) {
        throw invalid(model.modelId, `${values.length} texts were answered with ${embeddings.length} vectors`);
      }
      vectors.push(...embeddings);
    }
    return vectors;
  };
}
