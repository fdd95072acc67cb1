import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines } from './read-lines.ts';

describe('readLines', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ' '));
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), fc.integer({ min: 1, max: 7 }), (lines, end, size) => {
        const bytes = Buffer.from(lines.map((text) => text + end).join(''));
        const read: string[] = [];
        const reader = readLines(1_000_000, (text) => read.push(text));
        for (let start = 0; start < bytes.length; start += size) reader.push(bytes.subarray(start, start + size));
        expect(read).toEqual(lines);
      }),
    );
  });

  it('refuses a line past the limit, whether it ends or not, and counts each line anew', () => {
    const read: string[] = [];
    const reader = readLines(10, (text) => read.push(text));
    reader.push(Buffer.from('123456789\n123456789\n12345'));
    reader.push(Buffer.from('67890\n'));
    expect(read).toEqual(['123456789', '123456789', '1234567890']);
    for (const text of ['12345678901', '12345678901\n'])
      expect(() => reader.push(Buffer.from(text))).toThrow('more than 10 bytes');
  });

  it('costs as much as the line, also when it comes byte by byte', () => {
    const reader = readLines(10 * 1024 * 1024, () => undefined);
    const byte = Buffer.from('x');
    const time = (count: number): number => {
      const start = performance.now();
      for (let index = 0; index < count; index += 1) reader.push(byte);
      return performance.now() - start;
    };
    time(50_000);
    // With a copy of everything held for each chunk, the last part would cost fifty times the first.
    const first = time(100_000);
    time(1_000_000);
    expect(time(100_000)).toBeLessThan(first * 10 + 20);
  });
});
