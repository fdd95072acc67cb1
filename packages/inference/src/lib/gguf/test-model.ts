import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { GgufField } from './gguf.ts';
import { randomValues } from './random-values.ts';
import { type GgufTensor, writeGguf } from './write-gguf.ts';

/** The shape of a llama-architecture model. */
export interface ModelShape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly contextTokens: number;
  readonly type: 'f32' | 'f16';
}

/** 2 layers of 64 dimensions, about 100,000 parameters in f32: loads in milliseconds and speaks nonsense with exact arithmetic. */
export const tinyShape: ModelShape = {
  layers: 2,
  width: 64,
  heads: 4,
  feedForward: 128,
  contextTokens: 4_096,
  type: 'f32',
};
/** 134 million parameters in f16 (270 MB): large enough that computing, not overhead, takes the time. */
export const benchShape: ModelShape = {
  layers: 12,
  width: 768,
  heads: 12,
  feedForward: 3_840,
  contextTokens: 8_192,
  type: 'f16',
};

/** Writes a random model with a vocabulary of ASCII characters. The same shape and seed give the same bytes on every machine. */
export async function writeTestModel(
  path: string,
  options: { readonly seed: number; readonly shape?: ModelShape },
): Promise<void> {
  const shape = options.shape ?? tinyShape;
  const tensors = modelTensors(shape).map(({ name, dimensions }, index) =>
    toTensor({ name, dimensions, type: shape.type, seed: options.seed * 1_000 + index }),
  );
  await pipeline(Readable.from(writeGguf(modelMetadata(shape), tensors)), createWriteStream(path));
}

export interface TestLayerOptions {
  readonly seed: number;
  readonly shape?: ModelShape;
  /** Default 4. */
  readonly rank?: number;
  /** Default 2 × rank, which makes a random layer change the text. */
  readonly alpha?: number;
  /** Makes one weight NaN, for tests of bad files. */
  readonly broken?: 'nan' | 'rank';
}

/** Writes a random LoRA adapter for the attention of a test model. */
export async function writeTestLayer(path: string, options: TestLayerOptions): Promise<void> {
  const shape = options.shape ?? tinyShape;
  const rank = options.rank ?? 4;
  const tensors: GgufTensor[] = [];
  for (let layer = 0; layer < shape.layers; layer += 1) {
    for (const [index, part] of ['attn_q', 'attn_v'].entries()) {
      const seed = options.seed * 1_000 + layer * 10 + index;
      const name = `blk.${layer}.${part}.weight`;
      const outRank = options.broken === 'rank' ? rank + 1 : rank;
      tensors.push(
        toTensor({
          name: `${name}.lora_a`,
          dimensions: [shape.width, rank],
          type: 'f32',
          seed,
          broken: options.broken === 'nan',
        }),
      );
      tensors.push(
        toTensor({ name: `${name}.lora_b`, dimensions: [outRank, shape.width], type: 'f32', seed: seed + 500 }),
      );
    }
  }
  const metadata: Record<string, GgufField> = {
    'general.architecture': { type: 'string', value: 'llama' },
    'general.type': { type: 'string', value: 'adapter' },
    'adapter.type': { type: 'string', value: 'lora' },
    'adapter.lora.alpha': { type: 'float32', value: options.alpha ?? 2 * rank },
  };
  await pipeline(Readable.from(writeGguf(metadata, tensors)), createWriteStream(path));
}

function modelTensors(shape: ModelShape): readonly { readonly name: string; readonly dimensions: readonly number[] }[] {
  const { width, feedForward } = shape;
  const words = vocabulary().tokens.length;
  const blocks = Array.from({ length: shape.layers }, (_, layer) => [
    { name: `blk.${layer}.attn_norm.weight`, dimensions: [width] },
    { name: `blk.${layer}.attn_q.weight`, dimensions: [width, width] },
    { name: `blk.${layer}.attn_k.weight`, dimensions: [width, width] },
    { name: `blk.${layer}.attn_v.weight`, dimensions: [width, width] },
    { name: `blk.${layer}.attn_output.weight`, dimensions: [width, width] },
    { name: `blk.${layer}.ffn_norm.weight`, dimensions: [width] },
    { name: `blk.${layer}.ffn_gate.weight`, dimensions: [width, feedForward] },
    { name: `blk.${layer}.ffn_up.weight`, dimensions: [width, feedForward] },
    { name: `blk.${layer}.ffn_down.weight`, dimensions: [feedForward, width] },
  ]);
  return [
    { name: 'token_embd.weight', dimensions: [width, words] },
    { name: 'output_norm.weight', dimensions: [width] },
    { name: 'output.weight', dimensions: [width, words] },
    ...blocks.flat(),
  ];
}

function toTensor(options: {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: 'f32' | 'f16';
  readonly seed: number;
  readonly broken?: boolean;
}): GgufTensor {
  const { name, dimensions, seed } = options;
  const isNorm = dimensions.length === 1;
  const size = dimensions.reduce((product, one) => product * one, 1);
  const values = () => {
    const floats = isNorm
      ? new Float32Array(size).fill(1)
      : randomValues(size, seed, 1.7 / Math.sqrt(dimensions[0] ?? 1));
    if (options.broken) floats[3] = Number.NaN;
    return floats;
  };
  // Norms stay in f32: llama.cpp expects them so.
  return { name, dimensions, type: isNorm ? 'f32' : options.type, values };
}

/** Printable ASCII in the byte-level form of GPT-2, where a space is written Ġ and a line break Ċ. */
function vocabulary(): { readonly tokens: readonly string[]; readonly types: readonly number[] } {
  const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index));
  const tokens = ['<s>', '</s>', 'Ġ', 'Ċ', ...printable];
  return { tokens, types: tokens.map((_, index) => (index < 2 ? 3 : 1)) };
}

function modelMetadata(shape: ModelShape): Readonly<Record<string, GgufField>> {
  const { tokens, types } = vocabulary();
  const number = (value: number): GgufField => ({ type: 'uint32', value });
  return {
    'general.architecture': { type: 'string', value: 'llama' },
    'general.name': { type: 'string', value: 'genie-test' },
    'general.file_type': number(shape.type === 'f32' ? 0 : 1),
    'llama.vocab_size': number(tokens.length),
    'llama.context_length': number(shape.contextTokens),
    'llama.embedding_length': number(shape.width),
    'llama.block_count': number(shape.layers),
    'llama.feed_forward_length': number(shape.feedForward),
    'llama.rope.dimension_count': number(shape.width / shape.heads),
    'llama.attention.head_count': number(shape.heads),
    'llama.attention.head_count_kv': number(shape.heads),
    'llama.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-5 },
    'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
    'tokenizer.ggml.pre': { type: 'string', value: 'gpt-2' },
    'tokenizer.ggml.tokens': { type: 'array', of: 'string', value: tokens },
    'tokenizer.ggml.token_type': { type: 'array', of: 'int32', value: types },
    'tokenizer.ggml.merges': { type: 'array', of: 'string', value: [] },
    'tokenizer.ggml.bos_token_id': number(0),
    'tokenizer.ggml.eos_token_id': number(1),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: true },
  };
}
