import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const blockBytes = 512;

/**
 * Writes files of a folder into one tar: POSIX ustar with pax headers for names that do not fit (IEEE Std 1003.1, pax).
 * Owners are left out and times are those of the files, so the same files give the same bytes.
 */
export async function writeTar(
  target: string,
  options: { readonly folder: string; readonly paths: readonly string[]; readonly prefix: string },
): Promise<void> {
  await pipeline(Readable.from(tarBlocks(options)), createWriteStream(target, { mode: 0o600, flags: 'wx' }));
}

async function* tarBlocks({
  folder,
  paths,
  prefix,
}: {
  readonly folder: string;
  readonly paths: readonly string[];
  readonly prefix: string;
}): AsyncIterable<Buffer> {
  for (const path of paths) {
    const { size, mtimeMs } = await stat(join(folder, path));
    const name = `${prefix}/${path}`;
    const modifiedAt = Math.floor(mtimeMs / 1000);
    if (Buffer.byteLength(name) > 100) {
      const record = paxRecord('path', name);
      yield header({ name: 'pax', size: record.length, modifiedAt, type: 'x' });
      yield padded(record);
    }
    yield header({ name: Buffer.from(name).subarray(0, 100).toString('latin1'), size, modifiedAt, type: '0' });
    for await (const chunk of createReadStream(join(folder, path), { end: Math.max(0, size - 1) }))
      yield chunk as Buffer;
    const rest = size % blockBytes;
    if (rest > 0) yield Buffer.alloc(blockBytes - rest);
  }
  yield Buffer.alloc(2 * blockBytes);
}

interface Entry {
  readonly name: string;
  readonly size: number;
  readonly modifiedAt: number;
  readonly type: '0' | 'x';
}

function header({ name, size, modifiedAt, type }: Entry): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, offset: number, length: number): void =>
    void block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
  block.write(name, 0, 100, 'latin1');
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(modifiedAt, 136, 12);
  block.fill(0x20, 148, 156);
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** `<length> path=<name>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest) + 1;
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest);
  return Buffer.from(`${length}${rest}`);
}

function padded(content: Buffer): Buffer {
  const rest = content.length % blockBytes;
  return rest === 0 ? content : Buffer.concat([content, Buffer.alloc(blockBytes - rest)]);
}
