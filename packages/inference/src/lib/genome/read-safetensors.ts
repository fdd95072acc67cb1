import { open } from 'node:fs/promises';
import { GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { z } from 'zod';

/** A tensor of a safetensors file, as numbers. */
export interface FloatTensor {
  readonly name: string;
  /** Slowest dimension first, as PyTorch has it. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const maxHeaderBytes = 100 * 1024 * 1024;
const widths: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/**
 * Reads the tensors of a safetensors file (https://github.com/huggingface/safetensors#format) in F32, F16 or BF16. Rejects with `GENIE_SAFETENSORS_INVALID` for
 * anything truncated, overlapping its end, or in another number format.
 */
export async function readSafetensors(path: string): Promise<readonly FloatTensor[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const read = async (at: number, length: number) => {
      if (length < 0 || at + length > size) throw invalid(path, `it ends at byte ${size}, needed are ${at + length}`);
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, at);
      return bytes;
    };
    const headerBytes = (await read(0, 8)).readBigUInt64LE();
    if (headerBytes > BigInt(maxHeaderBytes)) throw invalid(path, `its header would have ${headerBytes} bytes`);
    const start = 8 + Number(headerBytes);
    const entries = readHeader(path, (await read(8, Number(headerBytes))).toString('utf8'));
    const tensors: FloatTensor[] = [];
    for (const [
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ] of entries) {
      const width = widths[dtype];
      if (width === undefined)
        throw invalid(path, `"${name}" has the number format ${dtype}, known are F32, F16 and BF16`);
      const count = shape.reduce((product, one) => product * one, 1);
      if (to - from !== count * width)
        throw invalid(path, `"${name}" has ${to - from} bytes instead of ${count * width}`);
      tensors.push({ name, shape, values: toFloats(await read(start + from, to - from), dtype) });
    }
    return tensors;
  } finally {
    await file.close();
  }
}

function readHeader(path: string, text: string): readonly (readonly [string, z.infer<typeof entrySchema>])[] {
  try {
    const { __metadata__: _, ...entries } = parseJson(text) as Record<string, unknown>;
    return Object.entries(entries).map(([name, entry]) => [name, entrySchema.parse(entry)] as const);
  } catch (error) {
    throw Object.assign(invalid(path, 'its header is not in the documented form'), { cause: error });
  }
}

function toFloats(bytes: Buffer, dtype: string): Float32Array {
  const count = bytes.length / (widths[dtype] ?? 4);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index += 1) {
    if (dtype === 'F32') values[index] = bytes.readFloatLE(index * 4);
    else
      values[index] =
        dtype === 'F16' ? fromHalf(bytes.readUInt16LE(index * 2)) : fromBrain(bytes.readUInt16LE(index * 2));
  }
  return values;
}

/** IEEE 754 half precision. */
export function fromHalf(half: number): number {
  const sign = (half & 0x8000) === 0 ? 1 : -1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

const word = new DataView(new ArrayBuffer(4));

/** bfloat16: the upper half of a single-precision value. */
function fromBrain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

function invalid(path: string, problem: string): GenieError {
  return new GenieError(
    'GENIE_SAFETENSORS_INVALID',
    `"${path}" is not a usable safetensors file: ${problem}. Export it again.`,
  );
}
