import { crc32 } from 'node:zlib';

/** Form of the file; another one is not read but built again. */
const version = 1;
const magic = 0x47494458;
const headerBytes = 24;

export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

type TypedArrayConstructor<Values> = new (buffer: ArrayBufferLike, offset: number, length: number) => Values;

/** The bytes seen as numbers, without a copy. */
export function viewAs<Values extends ArrayBufferView>(
  bytes: Uint8Array,
  Type: TypedArrayConstructor<Values> & { readonly BYTES_PER_ELEMENT: number },
): Values {
  return new Type(bytes.buffer, bytes.byteOffset, bytes.byteLength / Type.BYTES_PER_ELEMENT);
}

/** One file of several blocks: header (magic, version, CRC-32, count), then blocks, each 8-byte aligned and preceded by its length. */
export function joinBlocks(blocks: readonly Uint8Array[]): Uint8Array {
  const padded = (length: number): number => Math.ceil(length / 8) * 8;
  const size = blocks.reduce((sum, block) => sum + 8 + padded(block.length), headerBytes);
  const joined = new Uint8Array(size);
  const header = new DataView(joined.buffer);
  let at = headerBytes;
  for (const block of blocks) {
    header.setFloat64(at, block.length, true);
    joined.set(block, at + 8);
    at += 8 + padded(block.length);
  }
  header.setUint32(0, magic);
  header.setUint32(4, version);
  header.setUint32(12, blocks.length);
  header.setUint32(8, crc32(joined.subarray(12)));
  return joined;
}

/** The blocks of a file, or undefined when it is cut, damaged or of another form. */
export function splitBlocks(bytes: Uint8Array): Uint8Array[] | undefined {
  // Views need aligned memory; a file read from disk may start anywhere in a shared buffer.
  const own = bytes.byteOffset % 8 === 0 ? bytesOf(bytes) : Uint8Array.from(bytes);
  if (own.length < headerBytes) return undefined;
  const header = new DataView(own.buffer, own.byteOffset, own.byteLength);
  if (header.getUint32(0) !== magic || header.getUint32(4) !== version) return undefined;
  if (header.getUint32(8) !== crc32(own.subarray(12))) return undefined;
  const blocks: Uint8Array[] = [];
  let at = headerBytes;
  for (let left = header.getUint32(12); left > 0; left -= 1) {
    const length = header.getFloat64(at, true);
    blocks.push(own.subarray(at + 8, at + 8 + length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return blocks;
}
