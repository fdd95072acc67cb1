import { z } from 'zod';
import type { Embedder } from '../embedder/embedder.ts';
import { named } from './read-body.ts';

const maxTexts = 2_048;

/** The part of an embeddings request that is understood; texts only, no tokens. */
export const embeddingsRequestSchema = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1).max(maxTexts)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
});

/** Answers an embeddings request. Little-endian floats in base64 when the client asks for that, as the official ones do. */
export async function toEmbeddings(
  request: z.output<typeof embeddingsRequestSchema>,
  embedders: Readonly<Record<string, Embedder>>,
): Promise<unknown> {
  const embedder = named(embedders, request.model);
  const texts = [request.input].flat();
  const vectors = await embedder.embed(texts);
  const encode = (vector: Float32Array) =>
    request.encoding_format === 'base64'
      ? Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
      : [...vector];
  // Nobody pays for these; four characters a token, as everywhere where a count is an estimate.
  const tokens = Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 4);
  return {
    object: 'list',
    model: request.model,
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}
