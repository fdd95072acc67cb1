import { type FileHandle, open } from 'node:fs/promises';
import { GenieError } from '@genie/core/errors';
import { alignment, type GgufTensorInfo, ggufMagic, valueTypes } from './gguf.ts';

export type GgufValue = string | number | boolean | readonly GgufValue[];

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensorInfo[];
  /** Where the tensor data begins in the file. */
  readonly dataOffset: number;
  readonly sizeBytes: number;
}

/** Real headers hold a vocabulary of up to some hundred thousand words, about 15 MB; what is much larger is there to fill the memory. */
const maxHeaderBytes = 64 * 1024 * 1024;
const maxEntries = 4_000_000;

/**
 * Reads the header of a GGUF file (versions 2 and 3) without its tensors, and checks that every tensor lies inside the file.
 * Rejects with `GENIE_GGUF_INVALID` for anything truncated, foreign or absurd: such files crash a native loader.
 */
export async function readGguf(path: string): Promise<GgufHeader> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const cursor = new Cursor(file, size, path);
    if ((await cursor.u32()) !== ggufMagic) throw cursor.error('it does not begin with "GGUF"');
    const version = await cursor.u32();
    if (version !== 2 && version !== 3) throw cursor.error(`its version is ${version}, known are 2 and 3`);
    const tensorCount = await cursor.count();
    const fieldCount = await cursor.count();
    const metadata = new Map<string, GgufValue>();
    for (let index = 0; index < fieldCount; index += 1)
      metadata.set(await cursor.text(), await cursor.value(await cursor.u32()));
    const tensors: GgufTensorInfo[] = [];
    for (let index = 0; index < tensorCount; index += 1) tensors.push(await readTensor(cursor));
    const step = metadata.get('general.alignment');
    const align = typeof step === 'number' && step > 0 ? step : alignment;
    const dataOffset = Math.ceil(cursor.at / align) * align;
    for (const tensor of tensors) {
      const end = dataOffset + tensor.offset + minimumBytes(tensor);
      if (end > size)
        throw cursor.error(`the tensor "${tensor.name}" ends at byte ${end} of ${size}: the file is cut off`);
    }
    return { version, metadata, tensors, dataOffset, sizeBytes: size };
  } finally {
    await file.close();
  }
}

async function readTensor(cursor: Cursor): Promise<GgufTensorInfo> {
  const name = await cursor.text();
  const rank = await cursor.u32();
  if (rank > 4) throw cursor.error(`the tensor "${name}" has ${rank} dimensions`);
  const dimensions: number[] = [];
  for (let index = 0; index < rank; index += 1) dimensions.push(await cursor.u64());
  return { name, dimensions, type: await cursor.u32(), offset: await cursor.u64() };
}

/** Exact for the types that we write; for quantised ones a lower bound of one bit a value. */
function minimumBytes({ dimensions, type }: GgufTensorInfo): number {
  const values = dimensions.reduce((product, size) => product * size, 1);
  return type === 0 ? values * 4 : type === 1 ? values * 2 : Math.ceil(values / 8);
}

/** Values of one size each, by their type. */
const scalars: Readonly<
  Record<number, { readonly width: number; readonly read: (bytes: Buffer, at: number) => number | boolean }>
> = {
  [valueTypes.uint8]: { width: 1, read: (bytes, at) => bytes.readUInt8(at) },
  [valueTypes.int8]: { width: 1, read: (bytes, at) => bytes.readInt8(at) },
  [valueTypes.uint16]: { width: 2, read: (bytes, at) => bytes.readUInt16LE(at) },
  [valueTypes.int16]: { width: 2, read: (bytes, at) => bytes.readInt16LE(at) },
  [valueTypes.uint32]: { width: 4, read: (bytes, at) => bytes.readUInt32LE(at) },
  [valueTypes.int32]: { width: 4, read: (bytes, at) => bytes.readInt32LE(at) },
  [valueTypes.float32]: { width: 4, read: (bytes, at) => bytes.readFloatLE(at) },
  [valueTypes.bool]: { width: 1, read: (bytes, at) => bytes.readUInt8(at) !== 0 },
  [valueTypes.uint64]: { width: 8, read: (bytes, at) => Number(bytes.readBigUInt64LE(at)) },
  [valueTypes.int64]: { width: 8, read: (bytes, at) => Number(bytes.readBigInt64LE(at)) },
  [valueTypes.float64]: { width: 8, read: (bytes, at) => bytes.readDoubleLE(at) },
};

/** Reads forward through a file in chunks. */
class Cursor {
  readonly #file: FileHandle;
  readonly #size: number;
  readonly #path: string;
  #chunk = Buffer.alloc(0);
  #chunkAt = 0;
  at = 0;

  constructor(file: FileHandle, size: number, path: string) {
    this.#file = file;
    this.#size = size;
    this.#path = path;
  }

  error(problem: string): GenieError {
    return new GenieError(
      'GENIE_GGUF_INVALID',
      `"${this.#path}" is not a usable GGUF file: ${problem}. Get the file again.`,
    );
  }

  async take(length: number): Promise<Buffer> {
    if (this.at + length > this.#size) throw this.error(`its header ends early, at byte ${this.#size}`);
    if (this.at + length > maxHeaderBytes) throw this.error(`its header is larger than ${maxHeaderBytes} bytes`);
    const from = this.at - this.#chunkAt;
    if (from < 0 || from + length > this.#chunk.length) {
      const want = Math.min(Math.max(length, 1 << 20), this.#size - this.at);
      this.#chunk = Buffer.alloc(want);
      this.#chunkAt = this.at;
      const { bytesRead } = await this.#file.read(this.#chunk, 0, want, this.at);
      if (bytesRead < length) throw this.error('it became shorter while it was read');
    }
    const start = this.at - this.#chunkAt;
    this.at += length;
    return this.#chunk.subarray(start, start + length);
  }

  async u32(): Promise<number> {
    return (await this.take(4)).readUInt32LE();
  }

  async u64(): Promise<number> {
    const value = (await this.take(8)).readBigUInt64LE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.error(`it holds the number ${value}`);
    return Number(value);
  }

  async count(): Promise<number> {
    const value = await this.u64();
    if (value > maxEntries) throw this.error(`it says that it has ${value} entries`);
    return value;
  }

  async text(): Promise<string> {
    return (await this.take(await this.u64())).toString('utf8');
  }

  async value(type: number, depth = 0): Promise<GgufValue> {
    if (type === valueTypes.string) return this.text();
    if (type === valueTypes.array) return this.#list(depth);
    const [value] = await this.#scalars(type, 1);
    return value as GgufValue;
  }

  async #scalars(type: number, count: number): Promise<readonly GgufValue[]> {
    const scalar = scalars[type];
    if (!scalar) throw this.error(`it holds a value of the unknown type ${type}`);
    const bytes = await this.take(count * scalar.width);
    return Array.from({ length: count }, (_, index) => scalar.read(bytes, index * scalar.width));
  }

  async #list(depth: number): Promise<readonly GgufValue[]> {
    if (depth > 4) throw this.error('its lists are nested too deeply');
    const type = await this.u32();
    const length = await this.count();
    if (type !== valueTypes.string && type !== valueTypes.array) return this.#scalars(type, length);
    const values: GgufValue[] = [];
    for (let index = 0; index < length; index += 1) values.push(await this.value(type, depth + 1));
    return values;
  }
}
