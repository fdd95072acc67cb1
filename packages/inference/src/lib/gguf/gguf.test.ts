import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GgufField, ggufMagic } from './gguf.ts';
import { readGguf } from './read-gguf.ts';
import { writeTestLayer, writeTestModel } from './test-model.ts';
import { toHalf, writeGguf } from './write-gguf.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-gguf-'));
});
afterAll(() => rm(folder, { recursive: true }));

const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

describe('writeGguf and readGguf', () => {
  it('read back what was written', async () => {
    const field: fc.Arbitrary<GgufField> = fc.oneof(
      fc.string().map((value): GgufField => ({ type: 'string', value })),
      fc.boolean().map((value): GgufField => ({ type: 'bool', value })),
      fc.integer().map((value): GgufField => ({ type: 'int32', value })),
      fc.nat().map((value): GgufField => ({ type: 'uint64', value })),
      fc.integer({ min: -128, max: 127 }).map((value): GgufField => ({ type: 'int8', value })),
      fc.double({ noNaN: true }).map((value): GgufField => ({ type: 'float64', value })),
      fc.array(fc.string()).map((value): GgufField => ({ type: 'array', of: 'string', value })),
      fc.array(fc.float({ noNaN: true })).map((value): GgufField => ({ type: 'array', of: 'float32', value })),
    );
    const path = join(folder, 'any.gguf');
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ minLength: 1 }), field),
        fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 40 }),
        async (metadata, values) => {
          const tensors = [
            { name: 'a', dimensions: [values.length], type: 'f32' as const, values: Float32Array.from(values) },
            {
              name: 'b',
              dimensions: [1, values.length],
              type: 'f16' as const,
              values: () => Float32Array.from(values),
            },
          ];
          await writeFile(path, Buffer.concat([...writeGguf(metadata, tensors)]));
          const header = await readGguf(path);
          expect(Object.fromEntries(header.metadata)).toEqual(
            Object.fromEntries(Object.entries(metadata).map(([key, { value }]) => [key, value])),
          );
          expect(header.tensors.map(({ name, dimensions, type }) => [name, dimensions, type])).toEqual([
            ['a', [values.length], 0],
            ['b', [1, values.length], 1],
          ]);
          const stored = new Float32Array(
            new Uint8Array(await readFile(path)).slice(header.dataOffset).buffer,
            0,
            values.length,
          );
          expect([...stored]).toEqual([...Float32Array.from(values)]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('rounds to half precision as the platform does', () => {
    const bits = new Uint32Array(1);
    const float = new Float32Array(bits.buffer);
    fc.assert(
      fc.property(fc.float(), (value) => {
        float[0] = value;
        const half = toHalf(bits[0] ?? 0);
        const exponent = (half >> 10) & 31;
        const mantissa = half & 1023;
        const sign = half >> 15 === 1 ? -1 : 1;
        const back =
          exponent === 31
            ? mantissa
              ? Number.NaN
              : Number.POSITIVE_INFINITY
            : exponent === 0
              ? mantissa * 2 ** -24
              : (1 + mantissa / 1024) * 2 ** (exponent - 15);
        const error = Math.abs(sign * back - value);
        if (Number.isNaN(value)) expect(back).toBeNaN();
        else if (Math.abs(value) >= 65_520) expect(back).toBe(Number.POSITIVE_INFINITY);
        else expect(error).toBeLessThanOrEqual(Math.max(2 ** -25, Math.abs(value) * 2 ** -11));
      }),
    );
  });

  it('gives the same test models on every machine', async () => {
    await writeTestModel(join(folder, 'model.gguf'), { seed: 1 });
    await writeTestLayer(join(folder, 'layer.gguf'), { seed: 1 });
    expect([await sha256(join(folder, 'model.gguf')), await sha256(join(folder, 'layer.gguf'))]).toMatchInlineSnapshot(`
      [
        "7c94b0eace1a99d169ad166af5e6bf5c18790e2eae2fdd9a28e114332e0c8a35",
        "58ba7576e7461efbf98c60ecc29504b3a8443139bb40b46551055dfe4dbe18a7",
      ]
    `);
  });

  it('refuses a header that is there to fill the memory', async () => {
    const path = join(folder, 'huge.gguf');
    const start = Buffer.alloc(32);
    start.writeUInt32LE(ggufMagic, 0);
    start.writeUInt32LE(3, 4);
    // No tensor, one field, whose name has 70 million bytes.
    start.writeBigUInt64LE(1n, 16);
    start.writeBigUInt64LE(70_000_000n, 24);
    await writeFile(path, start);
    await truncate(path, 80_000_000);
    await expect(readGguf(path)).rejects.toMatchObject({
      code: 'GENIE_GGUF_INVALID',
      message: expect.stringContaining('larger than'),
    });
  });

  it('refuses every truncation, and survives every flipped byte of a header', async () => {
    const path = join(folder, 'layer.gguf');
    await writeTestLayer(path, { seed: 1 });
    const whole = await readFile(path);
    const cut = join(folder, 'cut.gguf');
    const header = await readGguf(path);
    for (let length = 0; length < whole.length; length += length < header.dataOffset ? 7 : 997) {
      await writeFile(cut, whole.subarray(0, length));
      await expect(readGguf(cut), `cut at ${length}`).rejects.toMatchObject({ code: 'GENIE_GGUF_INVALID' });
    }
    for (let at = 0; at < header.dataOffset; at += 3) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      await writeFile(cut, changed);
      const result = await readGguf(cut).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toMatchObject({ code: 'GENIE_GGUF_INVALID' });
    }
  });
});
