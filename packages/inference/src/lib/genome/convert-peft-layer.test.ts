import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGguf } from '../gguf/read-gguf.ts';
import { tinyShape, writeTestModel } from '../gguf/test-model.ts';
import { toHalf } from '../gguf/write-gguf.ts';
import { findLlama } from '../testing/find-llama.ts';
import { LlamaEngine } from '../worker/llama-engine.ts';
import { convertPeftLayer, reorderRows } from './convert-peft-layer.ts';
import { fromHalf, readSafetensors } from './read-safetensors.ts';

let folder: string;
let basePath: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-peft-'));
  basePath = join(folder, 'base.gguf');
  await writeTestModel(basePath, { seed: 1 });
});
afterAll(() => rm(folder, { recursive: true }));

type Tensor = {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype?: 'F32' | 'F16' | 'BF16' | 'I8';
};

/** Writes the format as its documentation says. */
function safetensors(tensors: Readonly<Record<string, Tensor>>): Buffer {
  let at = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const pieces: Buffer[] = [];
  for (const [name, { shape, values, dtype = 'F32' }] of Object.entries(tensors)) {
    const floats = Float32Array.from(values);
    const bits = new Uint32Array(floats.buffer);
    const bytes =
      dtype === 'F32'
        ? Buffer.from(floats.buffer)
        : dtype === 'I8'
          ? Buffer.alloc(values.length)
          : Buffer.from(Uint16Array.from(bits, (one) => (dtype === 'F16' ? toHalf(one) : one >>> 16)).buffer);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    pieces.push(bytes);
    at += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...pieces]);
}

const { width } = tinyShape;
const numbers = (count: number, seed: number) =>
  Array.from({ length: count }, (_, index) => Math.fround(Math.sin(index * 12.9898 + seed) * 0.5));

async function adapter(name: string, tensors: Readonly<Record<string, Tensor>>, config: object = {}) {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await writeFile(
    join(path, 'adapter_config.json'),
    JSON.stringify({ peft_type: 'LORA', r: 4, lora_alpha: 8, bias: 'none', ...config }),
  );
  await writeFile(join(path, 'adapter_model.safetensors'), safetensors(tensors));
  return path;
}

const pair = (module: string, layer = 0, rank = 4): Readonly<Record<string, Tensor>> => ({
  [`base_model.model.model.layers.${layer}.${module}.lora_A.weight`]: {
    shape: [rank, width],
    values: numbers(rank * width, 1),
  },
  [`base_model.model.model.layers.${layer}.${module}.lora_B.weight`]: {
    shape: [width, rank],
    values: numbers(rank * width, 2),
  },
});

const convert = (path: string, name = 'out.gguf') =>
  convertPeftLayer({ folder: path, basePath, outputPath: join(folder, name) });

describe('readSafetensors', () => {
  it('reads three number formats', async () => {
    const values = [0, 1, -2.5, 0.125];
    const path = join(folder, 'x.safetensors');
    await writeFile(
      path,
      safetensors({
        a: { shape: [2, 2], values },
        b: { shape: [4], values, dtype: 'F16' },
        c: { shape: [4], values, dtype: 'BF16' },
      }),
    );
    expect((await readSafetensors(path)).map(({ name, values: read }) => [name, [...read]])).toEqual([
      ['a', values],
      ['b', values],
      ['c', values],
    ]);
  });

  it('inverts the rounding to half precision', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (half) => {
        const value = fromHalf(half);
        const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
        if (Number.isNaN(value)) expect((half & 0x7c00) === 0x7c00).toBe(true);
        else expect(toHalf(bits)).toBe(half);
      }),
    );
  });

  it('refuses every truncation and foreign formats', async () => {
    const whole = safetensors(pair('mlp.up_proj'));
    const path = join(folder, 'cut.safetensors');
    for (let length = 0; length < whole.length; length += 41) {
      await writeFile(path, whole.subarray(0, length));
      await expect(readSafetensors(path), `cut at ${length}`).rejects.toMatchObject({
        code: 'GENIE_SAFETENSORS_INVALID',
      });
    }
    await writeFile(path, safetensors({ a: { shape: [4], values: [1, 2, 3, 4], dtype: 'I8' } }));
    await expect(readSafetensors(path)).rejects.toMatchObject({ message: expect.stringContaining('I8') });
  });
});

describe('convertPeftLayer', () => {
  it('turns rotary halves into pairs', () => {
    const rows = Float32Array.from([0, 1, 2, 3, 10, 11, 12, 13]);
    expect([...reorderRows(rows, 8, 1, 2)]).toEqual([0, 2, 1, 3, 10, 12, 11, 13]);
  });

  it('keeps every number, where llama.cpp expects it', async () => {
    const path = await adapter('plain', { ...pair('self_attn.v_proj'), ...pair('self_attn.q_proj', 1) });
    const layer = await convert(path);
    expect(layer).toMatchObject({ rank: 4, alpha: 8, architecture: 'llama' });
    const header = await readGguf(layer.path);
    const bytes = new Uint8Array(await readFile(layer.path));
    const valuesOf = (name: string) => {
      const tensor = header.tensors.find((one) => one.name === name);
      if (!tensor) throw new Error(`${name} is missing`);
      return [
        ...new Float32Array(
          bytes.slice(header.dataOffset + tensor.offset).buffer,
          0,
          tensor.dimensions.reduce((product, one) => product * one, 1),
        ),
      ];
    };
    expect(valuesOf('blk.0.attn_v.weight.lora_a')).toEqual(numbers(4 * width, 1));
    expect(valuesOf('blk.0.attn_v.weight.lora_b')).toEqual(numbers(4 * width, 2));
    expect(valuesOf('blk.1.attn_q.weight.lora_a')).toEqual(numbers(4 * width, 1));
    expect(valuesOf('blk.1.attn_q.weight.lora_b')).toEqual([
      ...reorderRows(Float32Array.from(numbers(4 * width, 2)), width, 4, tinyShape.heads),
    ]);
  });

  it('scales rank-stabilised adapters as they are meant', async () => {
    expect((await convert(await adapter('rs', pair('self_attn.v_proj'), { use_rslora: true }))).alpha).toBe(16);
  });

  it.each([
    ['DoRA', {}, { use_dora: true }],
    ['biases', {}, { bias: 'all' }],
    ['saved modules', {}, { modules_to_save: ['lm_head'] }],
    ['patterns', {}, { rank_pattern: { q_proj: 8 } }],
    ['another type', {}, { peft_type: 'IA3' }],
    [
      'unknown modules',
      { 'base_model.model.lm_head.lora_A.weight': { shape: [4, width], values: numbers(4 * width, 1) } },
      {},
    ],
  ])('refuses %s, and leaves no file', async (name, tensors, config) => {
    const path = await adapter(`refused-${name}`, { ...pair('self_attn.v_proj'), ...tensors }, config);
    await expect(convert(path, 'refused.gguf')).rejects.toMatchObject({ code: 'GENIE_LAYER_UNSUPPORTED' });
    expect((await readdir(folder)).filter((file) => file.startsWith('refused.gguf'))).toEqual([]);
  });

  it('leaves nothing behind when the layer does not fit the base', async () => {
    const path = await adapter('misfit', {
      'base_model.model.model.layers.0.mlp.up_proj.lora_A.weight': { shape: [4, width], values: numbers(4 * width, 1) },
    });
    await expect(convert(path, 'misfit.gguf')).rejects.toMatchObject({ code: 'GENIE_LAYER_INVALID' });
    expect((await readdir(folder)).filter((file) => file.startsWith('misfit.gguf'))).toEqual([]);
  });

  it.skipIf(findLlama(process.env) === undefined)('writes layers that load and change the text', async () => {
    const llamaModule = findLlama(process.env) ?? '';
    const layer = await convert(
      await adapter('loads', { ...pair('self_attn.q_proj'), ...pair('self_attn.v_proj', 1) }),
      'loads.gguf',
    );
    const engine = await LlamaEngine.create({
      modelPath: basePath,
      threads: 1,
      contextTokens: 256,
      slots: 2,
      llamaModule,
    });
    const ask = async (weight: number) => {
      let text = '';
      await engine.run(
        {
          messages: [{ role: 'user', text: 'hello' }],
          layers: [{ path: layer.path, hash: layer.hash, weight }],
          maxTokens: 16,
        },
        (piece) => {
          text += piece;
        },
      );
      return text;
    };
    expect(await ask(1)).not.toBe(await ask(0));
    await engine.close();
  });
});
