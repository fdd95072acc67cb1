import { alignment, type GgufField, ggufMagic, type ScalarType, tensorTypes, valueTypes } from './gguf.ts';

export interface GgufTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: keyof typeof tensorTypes;
  /** Values in order; a function is called once, when its turn comes, so that a large file never exists in memory twice. */
  readonly values: Float32Array | (() => Float32Array);
}

/** Yields a GGUF version 3 file piece by piece: header, then each tensor, aligned to 32 bytes. Little endian, the same input gives the same bytes. */
export function* writeGguf(
  metadata: Readonly<Record<string, GgufField>>,
  tensors: readonly GgufTensor[],
): Generator<Uint8Array, undefined> {
  const parts: Uint8Array[] = [u32(ggufMagic), u32(3), u64(tensors.length), u64(Object.keys(metadata).length)];
  for (const [key, field] of Object.entries(metadata)) parts.push(text(key), ...fieldBytes(field));
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(
      text(tensor.name),
      u32(tensor.dimensions.length),
      ...tensor.dimensions.map(u64),
      u32(tensorTypes[tensor.type]),
      u64(offset),
    );
    offset += aligned(bytesOf(tensor));
  }
  const header = Buffer.concat(parts);
  yield Buffer.concat([header, new Uint8Array(aligned(header.length) - header.length)]);
  for (const tensor of tensors) {
    const values = typeof tensor.values === 'function' ? tensor.values() : tensor.values;
    const bytes = tensor.type === 'f32' ? floatBytes(values) : halfBytes(values);
    yield bytes;
    const padding = aligned(bytes.length) - bytes.length;
    if (padding > 0) yield new Uint8Array(padding);
  }
  return undefined;
}

function bytesOf(tensor: GgufTensor): number {
  return tensor.dimensions.reduce((product, size) => product * size, 1) * (tensor.type === 'f32' ? 4 : 2);
}

function aligned(size: number): number {
  return Math.ceil(size / alignment) * alignment;
}

function fieldBytes(field: GgufField): Uint8Array[] {
  if (field.type !== 'array') return [u32(valueTypes[field.type]), scalar(field.type, field.value)];
  const head = [u32(valueTypes.array), u32(valueTypes[field.of]), u64(field.value.length)];
  return [...head, ...field.value.map((value) => scalar(field.of, value))];
}

function scalar(type: ScalarType, value: string | number | boolean): Uint8Array {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  const bytes = Buffer.alloc(
    {
      uint8: 1,
      int8: 1,
      bool: 1,
      uint16: 2,
      int16: 2,
      uint32: 4,
      int32: 4,
      float32: 4,
      uint64: 8,
      int64: 8,
      float64: 8,
      string: 0,
    }[type],
  );
  if (type === 'float32') bytes.writeFloatLE(value);
  else if (type === 'float64') bytes.writeDoubleLE(value);
  else if (type === 'uint64') bytes.writeBigUInt64LE(BigInt(value));
  else if (type === 'int64') bytes.writeBigInt64LE(BigInt(value));
  else if (type.startsWith('u')) bytes.writeUIntLE(value, 0, bytes.length);
  else bytes.writeIntLE(value, 0, bytes.length);
  return bytes;
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function floatBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** IEEE 754 half precision, rounded to nearest even. */
function halfBytes(values: Float32Array): Uint8Array {
  const halves = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < halves.length; index += 1) halves[index] = toHalf(bits[index] ?? 0);
  return new Uint8Array(halves.buffer);
}

/** The half-precision bits of a single-precision value given by its bits. */
export function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 112;
  const mantissa = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7c00 | (exponent === 143 && mantissa !== 0 ? 0x200 : 0);
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    const full = mantissa | 0x800000;
    const shift = 14 - exponent;
    const half = full >>> shift;
    const rest = full & ((1 << shift) - 1);
    const middle = 1 << (shift - 1);
    return sign | (half + (rest > middle || (rest === middle && (half & 1) === 1) ? 1 : 0));
  }
  const half = (exponent << 10) | (mantissa >>> 13);
  const rest = mantissa & 0x1fff;
  // A carry out of the mantissa goes into the exponent, as it should.
  return sign | (half + (rest > 0x1000 || (rest === 0x1000 && (half & 1) === 1) ? 1 : 0));
}
