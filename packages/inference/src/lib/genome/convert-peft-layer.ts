import { createWriteStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { z } from 'zod';
import { type GgufHeader, readGguf } from '../gguf/read-gguf.ts';
import { type GgufTensor, writeGguf } from '../gguf/write-gguf.ts';
import { type CheckedLayer, checkLayer } from '../layers/check-layer.ts';
import { type FloatTensor, readSafetensors } from './read-safetensors.ts';

export interface ConvertOptions {
  /** A folder with `adapter_config.json` and `adapter_model.safetensors`, as PEFT saves it. */
  readonly folder: string;
  /** The GGUF of the base model that the layer is for. */
  readonly basePath: string;
  /** Where the GGUF layer is written, whole or not at all. */
  readonly outputPath: string;
}

const configSchema = z.object({
  peft_type: z.string().optional(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  bias: z.string().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: z.record(z.string(), z.unknown()).nullish(),
  alpha_pattern: z.record(z.string(), z.unknown()).nullish(),
  fan_in_fan_out: z.boolean().nullish(),
});

/** Names of the modules in Hugging Face's layout and in GGUF. */
const modules: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** Architectures whose tensors have these names, and whether their q and k rows are reordered for rotary embeddings. */
const architectures: Readonly<Record<string, { readonly reorders: boolean }>> = {
  llama: { reorders: true },
  qwen2: { reorders: false },
  qwen3: { reorders: false },
};

/**
 * Converts a PEFT LoRA adapter to a GGUF layer for a base model, with our own writer, and checks the result as any layer. Refuses what it cannot convert
 * faithfully, with the reason: `GENIE_LAYER_UNSUPPORTED` (DoRA, biases, saved modules, patterns, an unknown module or architecture). Rejects also with
 * `GENIE_SAFETENSORS_INVALID`, `GENIE_GGUF_INVALID` and the codes of {@link checkLayer}.
 */
export async function convertPeftLayer(options: ConvertOptions): Promise<CheckedLayer> {
  const base = await readGguf(options.basePath);
  const architecture = String(base.metadata.get('general.architecture'));
  const rule = Object.hasOwn(architectures, architecture) ? architectures[architecture] : undefined;
  if (!rule)
    throw unsupported(
      options.folder,
      `the architecture "${architecture}" is not known; known are ${Object.keys(architectures).join(', ')}`,
    );
  const config = await readConfig(options.folder);
  const tensors = await readSafetensors(join(options.folder, 'adapter_model.safetensors'));
  // GGUF scales by alpha / rank; rank-stabilised adapters scale by alpha / √rank.
  const alpha = config.use_rslora ? config.lora_alpha * Math.sqrt(config.r) : config.lora_alpha;
  const converted = tensors.map((tensor) =>
    convertTensor(options.folder, tensor, headsOf(base, architecture), rule.reorders),
  );
  const part = `${options.outputPath}.part`;
  const file = writeGguf(
    {
      'general.architecture': { type: 'string', value: architecture },
      'general.type': { type: 'string', value: 'adapter' },
      'adapter.type': { type: 'string', value: 'lora' },
      'adapter.lora.alpha': { type: 'float32', value: alpha },
    },
    converted,
  );
  try {
    await pipeline(Readable.from(file), createWriteStream(part));
    await checkLayer(part, base);
    await rename(part, options.outputPath);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return checkLayer(options.outputPath, base);
}

async function readConfig(folder: string): Promise<z.infer<typeof configSchema>> {
  const path = join(folder, 'adapter_config.json');
  let config: z.infer<typeof configSchema>;
  try {
    config = configSchema.parse(parseJson(await readFile(path, 'utf8')));
  } catch (error) {
    throw new GenieError(
      'GENIE_LAYER_UNSUPPORTED',
      `"${path}" is not a PEFT configuration with "r" and "lora_alpha": save the adapter with PEFT.`,
      { cause: error },
    );
  }
  if (config.peft_type !== undefined && config.peft_type !== 'LORA')
    throw unsupported(folder, `it is of the type ${config.peft_type}, not LORA`);
  if (config.use_dora) throw unsupported(folder, 'it is a DoRA adapter');
  if (config.fan_in_fan_out) throw unsupported(folder, 'its weights are transposed (fan_in_fan_out)');
  if (config.bias != null && config.bias !== 'none') throw unsupported(folder, `it changes biases ("${config.bias}")`);
  if (config.modules_to_save?.length)
    throw unsupported(folder, `it replaces whole modules (${config.modules_to_save.join(', ')})`);
  if (Object.keys({ ...config.rank_pattern, ...config.alpha_pattern }).length > 0)
    throw unsupported(folder, 'its rank or alpha differs between modules');
  return config;
}

interface Heads {
  readonly query: number;
  readonly key: number;
}

function headsOf(base: GgufHeader, architecture: string): Heads {
  const query = Number(base.metadata.get(`${architecture}.attention.head_count`) ?? 1);
  return { query, key: Number(base.metadata.get(`${architecture}.attention.head_count_kv`) ?? query) };
}

function convertTensor(folder: string, tensor: FloatTensor, heads: Heads, reorders: boolean): GgufTensor {
  const match = /(?:^|\.)layers\.(\d+)\.(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(tensor.name);
  const [, layer, module = '', side] = match ?? [];
  const name = Object.hasOwn(modules, module) ? modules[module] : undefined;
  const [rows, columns] = tensor.shape;
  if (
    layer === undefined ||
    name === undefined ||
    rows === undefined ||
    columns === undefined ||
    tensor.shape.length !== 2
  ) {
    throw unsupported(folder, `the tensor "${tensor.name}" has no counterpart`);
  }
  const isRotary = reorders && side === 'B' && (name === 'attn_q' || name === 'attn_k');
  const values = isRotary
    ? reorderRows(tensor.values, rows, columns, name === 'attn_q' ? heads.query : heads.key)
    : tensor.values;
  // A row-major [rows, columns] matrix is the same bytes as a GGUF tensor of dimensions [columns, rows].
  return {
    name: `blk.${layer}.${name}.weight.lora_${side === 'A' ? 'a' : 'b'}`,
    dimensions: [columns, rows],
    type: 'f32',
    values,
  };
}

/**
 * Rotary halves, as Hugging Face stores them, to rotary pairs, as llama.cpp wants them: within each head, row `half × size / 2 + pair` goes to `2 × pair + half`.
 */
export function reorderRows(values: Float32Array, rows: number, columns: number, heads: number): Float32Array {
  const size = rows / heads;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    const head = Math.floor(row / size);
    const inside = row % size;
    const half = Math.floor(inside / (size / 2));
    const pair = inside % (size / 2);
    result.set(values.subarray(row * columns, (row + 1) * columns), (head * size + 2 * pair + half) * columns);
  }
  return result;
}

function unsupported(folder: string, problem: string): GenieError {
  return new GenieError(
    'GENIE_LAYER_UNSUPPORTED',
    `The adapter in "${folder}" cannot be converted: ${problem}. Merge it or export it as a plain LoRA.`,
  );
}
