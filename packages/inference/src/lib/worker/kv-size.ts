import type { GgufHeader } from '../gguf/read-gguf.ts';

/** Tokens that the model was trained on, when it says so. */
export function trainedContextTokens({ metadata }: GgufHeader): number {
  const value = metadata.get(`${String(metadata.get('general.architecture'))}.context_length`);
  return typeof value === 'number' && value > 0 ? value : Number.POSITIVE_INFINITY;
}

/** Characters of the longest word of the vocabulary; infinite when the file has none, or one that maps unknown words of any length to one token. */
export function longestTokenOf({ metadata }: GgufHeader): number {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  if (!Array.isArray(tokens) || !['gpt2', 'llama'].includes(String(metadata.get('tokenizer.ggml.model'))))
    return Number.POSITIVE_INFINITY;
  return tokens.reduce((longest: number, token) => Math.max(longest, String(token).length), 1);
}

/** Bytes that one token takes in the KV cache: keys and values of every layer in half precision, for the heads that have them. */
export function kvBytesPerToken({ metadata }: GgufHeader): number {
  const architecture = String(metadata.get('general.architecture'));
  const read = (name: string, otherwise: number) => {
    const value = metadata.get(`${architecture}.${name}`);
    return typeof value === 'number' && value > 0 ? value : otherwise;
  };
  const heads = read('attention.head_count', 32);
  const perHead = read('embedding_length', 4_096) / heads;
  const keysAndValues = read('attention.key_length', perHead) + read('attention.value_length', perHead);
  return 2 * keysAndValues * read('attention.head_count_kv', heads) * read('block_count', 32);
}

const defaultMaxKvBytes = 512 * 1024 * 1024;

/** As many conversations as fit into the memory for KV, 1 to 20. */
export function slotsFor(
  base: GgufHeader,
  options: { readonly contextTokens: number; readonly maxKvBytes?: number | undefined },
): number {
  const perSlot = options.contextTokens * kvBytesPerToken(base);
  return Math.min(20, Math.max(1, Math.floor((options.maxKvBytes ?? defaultMaxKvBytes) / perSlot)));
}
