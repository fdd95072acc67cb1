import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { GenieError } from '@genie/core/errors';
import type { GgufHeader } from '../gguf/read-gguf.ts';
import { readGguf } from '../gguf/read-gguf.ts';

export interface CheckedLayer {
  readonly path: string;
  /** SHA-256, hex. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly rank: number;
  readonly alpha: number;
  readonly architecture: string;
  /** Changes when the file does. */
  readonly stamp: string;
}

/**
 * Reads a LoRA layer as carefully as a native loader does not: it must be an adapter of the base's architecture, every pair of matrices must fit the
 * base tensor and each other, no weight may be NaN or infinite, and the file must have the expected hash.
 * Rejects with `GENIE_GGUF_INVALID`, `GENIE_LAYER_INVALID` (not an adapter, broken weights or ranks), `GENIE_LAYER_FOREIGN` (made for another base),
 * `GENIE_LAYER_CHANGED` (the hash is another), `GENIE_LAYER_MISSING`.
 */
export async function checkLayer(path: string, base: GgufHeader, expectedHash?: string): Promise<CheckedLayer> {
  const stamp = await stampOf(path);
  const header = await readGguf(path);
  const architecture = header.metadata.get('general.architecture');
  if (header.metadata.get('general.type') !== 'adapter' || header.metadata.get('adapter.type') !== 'lora') {
    throw invalid(path, 'it is no LoRA adapter');
  }
  if (architecture !== base.metadata.get('general.architecture')) {
    throw foreign(
      path,
      `it is for the architecture "${String(architecture)}", the base is "${String(base.metadata.get('general.architecture'))}"`,
    );
  }
  const rank = checkShapes(path, header, base);
  const hash = await hashAndScan(path, header);
  if (expectedHash !== undefined && hash !== expectedHash) {
    throw new GenieError(
      'GENIE_LAYER_CHANGED',
      `Layer "${path}" has the hash ${hash.slice(0, 12)}…, expected is ${expectedHash.slice(0, 12)}…: it changed on disk. Restore the file or update its record.`,
    );
  }
  if ((await stampOf(path)) !== stamp)
    throw new GenieError('GENIE_LAYER_CHANGED', `Layer "${path}" changed while it was read: try again.`);
  const alpha = header.metadata.get('adapter.lora.alpha');
  return {
    path,
    hash,
    sizeBytes: header.sizeBytes,
    rank,
    alpha: typeof alpha === 'number' ? alpha : rank,
    architecture: String(architecture),
    stamp,
  };
}

/** Size, times and place of a file. Equal means unchanged: the time of the last change of status cannot be set by a program, as that of the content can. */
export async function stampOf(path: string): Promise<string> {
  try {
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
    return `${size}:${mtimeNs}:${ctimeNs}:${ino}`;
  } catch (error) {
    throw new GenieError('GENIE_LAYER_MISSING', `Layer "${path}" cannot be read: check the path.`, { cause: error });
  }
}

function checkShapes(path: string, header: GgufHeader, base: GgufHeader): number {
  const baseTensors = new Map(base.tensors.map((tensor) => [tensor.name, tensor.dimensions]));
  const byName = new Map(header.tensors.map((tensor) => [tensor.name, tensor.dimensions]));
  let rank = 0;
  for (const [name, a] of byName) {
    if (!name.endsWith('.lora_a')) continue;
    const target = name.slice(0, -'.lora_a'.length);
    const b = byName.get(`${target}.lora_b`);
    const dimensions = baseTensors.get(target);
    if (!b) throw invalid(path, `"${name}" has no "${target}.lora_b"`);
    if (!dimensions) throw foreign(path, `the base has no tensor "${target}"`);
    if (a[1] !== b[0]) throw invalid(path, `the ranks of "${target}" do not match: ${a[1]} and ${b[0]}`);
    if (a[0] !== dimensions[0] || b[1] !== dimensions[1])
      throw foreign(path, `"${target}" is ${a[0]} × ${b[1]}, in the base ${dimensions[0]} × ${dimensions[1]}`);
    rank = Math.max(rank, a[1] ?? 0);
  }
  if (rank === 0) throw invalid(path, 'it changes no tensor');
  return rank;
}

/** SHA-256 of a file, hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** One pass: the hash of the whole file, and a look at every f32 and f16 weight. */
async function hashAndScan(path: string, header: GgufHeader): Promise<string> {
  const hash = createHash('sha256');
  const ranges = header.tensors
    .filter(({ type }) => type < 2)
    .map(({ name, type, offset, dimensions }) => {
      const width = type === 0 ? 4 : 2;
      const start = header.dataOffset + offset;
      return { name, width, start, end: start + width * dimensions.reduce((product, size) => product * size, 1) };
    });
  let at = 0;
  let carry = Buffer.alloc(0);
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(piece as Buffer);
    const bytes = Buffer.concat([carry, piece as Buffer]);
    const begin = at - carry.length;
    for (const range of ranges) scan(path, range, bytes, begin);
    at += (piece as Buffer).length;
    carry = Buffer.from(bytes.subarray(bytes.length - (bytes.length % 4)));
  }
  return hash.digest('hex');
}

function scan(
  path: string,
  range: { readonly name: string; readonly width: number; readonly start: number; readonly end: number },
  bytes: Buffer,
  begin: number,
): void {
  const from = Math.max(range.start, begin);
  const to = Math.min(range.end, begin + bytes.length - (bytes.length % 4));
  for (let at = from; at < to; at += range.width) {
    const isBroken =
      range.width === 4
        ? (bytes.readUInt32LE(at - begin) & 0x7f800000) === 0x7f800000
        : (bytes.readUInt16LE(at - begin) & 0x7c00) === 0x7c00;
    if (isBroken) throw invalid(path, `"${range.name}" holds a weight that is not a number`);
  }
}

function invalid(path: string, problem: string): GenieError {
  return new GenieError('GENIE_LAYER_INVALID', `Layer "${path}" is not usable: ${problem}. Export it again.`);
}

function foreign(path: string, problem: string): GenieError {
  return new GenieError(
    'GENIE_LAYER_FOREIGN',
    `Layer "${path}" does not fit the base model: ${problem}. Use the layer with the model it was trained on.`,
  );
}
