import { describeThrown, GenieError } from '@genie/core/errors';
import { orAbort } from '../or-abort.ts';
import { toUnitVector } from './unit-vector.ts';

/** An embedder as this package calls it; `createEmbedder` of the inference package makes one. */
export interface TextEmbedder {
  /** Names the space: vectors of different ids are never compared. */
  readonly id: string;
  embed(texts: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<readonly ArrayLike<number>[]>;
}

/** The part of an AI SDK embedding model that is used here. */
export interface EmbeddingModelLike {
  readonly modelId: string;
  readonly provider: string;
  doEmbed(options: {
    values: string[];
    abortSignal?: AbortSignal;
  }): PromiseLike<{ readonly embeddings: readonly ArrayLike<number>[] }>;
}

export type AnyEmbedder = TextEmbedder | EmbeddingModelLike;

/** Unit vectors for texts, or an error with the code `GENIE_MEMORY_EMBEDDER` or `GENIE_MEMORY_VECTOR`; never later than `timeoutMs`. */
export interface SafeEmbedder {
  readonly model: string;
  embed(
    texts: readonly string[],
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Float32Array[]>;
}

/** Guards an embedder: it may throw, hang, or answer with nonsense. */
export function guardEmbedder(embedder: AnyEmbedder): SafeEmbedder {
  const call = 'embed' in embedder ? embedder : fromModel(embedder);
  return {
    model: call.id,
    async embed(texts, { timeoutMs, signal }) {
      const limit = AbortSignal.timeout(timeoutMs);
      const either = signal ? AbortSignal.any([limit, signal]) : limit;
      let vectors: readonly ArrayLike<number>[];
      try {
        vectors = await orAbort(call.embed(texts, { signal: either }), either);
      } catch (error) {
        signal?.throwIfAborted();
        const why = limit.aborted ? `did not answer within ${timeoutMs} ms` : `failed: ${describeThrown(error)}`;
        throw new GenieError('GENIE_MEMORY_EMBEDDER', `The embedder ${JSON.stringify(call.id)} ${why}.`, {
          cause: error,
        });
      }
      if (vectors?.length !== texts.length) {
        throw new GenieError(
          'GENIE_MEMORY_EMBEDDER',
          `The embedder ${JSON.stringify(call.id)} answered ${vectors?.length ?? 0} vectors for ${texts.length} texts.`,
        );
      }
      return vectors.map((vector, at) => toUnitVector(vector, undefined, `text ${at + 1}`));
    },
  };
}

function fromModel(model: EmbeddingModelLike): TextEmbedder {
  return {
    id: `${model.provider}/${model.modelId}`,
    async embed(texts, { signal } = {}) {
      const { embeddings } = await model.doEmbed({ values: [...texts], ...(signal ? { abortSignal: signal } : {}) });
      return embeddings;
    },
  };
}
