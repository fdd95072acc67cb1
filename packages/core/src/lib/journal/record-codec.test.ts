import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRunId, maxRecordBytes, scanRecords, writeRecord } from './record-codec.ts';

interface Written {
  readonly runId: string;
  readonly sequence: number;
  readonly value: unknown;
}

const written = fc.record({
  runId: fc.stringMatching(/^[\w.:@/-]{1,40}$/).filter((id) => id !== '-'),
  sequence: fc.nat(1_000_000),
  // Lone surrogates included: JSON text carries them as escapes.
  value: fc.jsonValue({ stringUnit: 'binary' }),
});

describe('journal records', () => {
  it('read back what was written, whatever the JSON holds', () => {
    fc.assert(
      fc.property(fc.array(written, { maxLength: 8 }), (records) => {
        const bytes = encode(records);
        const { read, end, damagedBytes } = decode(bytes);
        expect(read).toEqual(JSON.parse(JSON.stringify(records)));
        expect({ end, damagedBytes }).toEqual({ end: bytes.length, damagedBytes: 0 });
      }),
    );
  });

  it('cut at every byte leave exactly the whole records', () => {
    const records = sample(12);
    const bytes = encode(records);
    const ends = endsOf(records);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const whole = ends.filter((end) => end <= cut).length;
      const { read } = decode(bytes.subarray(0, cut));
      if (read.length !== whole) expect({ cut, read: read.length }).toEqual({ cut, read: whole });
      expect(JSON.stringify(read)).toBe(JSON.stringify(records.slice(0, whole)));
    }
  });

  it('with any bit of 3,000 bytes flipped lose at most the record it hit, and never change one', () => {
    const records = sample(34);
    const bytes = encode(records);
    expect(bytes.length).toBeGreaterThan(3_000);
    const originals = records.map((record) => JSON.stringify(record));
    const known = new Set(originals);
    for (let bit = 0; bit < 3_000 * 8; bit += 1) {
      const at = bit >> 3;
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
      const { read } = decode(bytes);
      bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
      const texts = new Set(read.map((record) => JSON.stringify(record)));
      const lost = originals.filter((original) => !texts.has(original)).length;
      const wrong = texts.difference(known).size;
      if (lost > 1 || wrong > 0) expect({ bit, lost, wrong }).toEqual({ bit, lost: '0 or 1', wrong: 0 });
    }
  });

  it('are found again behind any garbage', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(written, { minLength: 1, maxLength: 4 }),
        (garbage, records) => {
          const { read } = decode(Buffer.concat([garbage, Buffer.from('\n'), encode(records)]));
          expect(read.slice(-records.length)).toEqual(JSON.parse(JSON.stringify(records)));
        },
      ),
    );
  });

  it('never throw on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(decode(Buffer.from(bytes)).damagedBytes).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  it('never need more bytes than is promised', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (body) => {
        const target = Buffer.alloc(maxRecordBytes(body.length));
        expect(writeRecord(target, 0, body)).toBeLessThanOrEqual(target.length);
      }),
    );
  });
});

describe('checkRunId', () => {
  it('takes ids of the usual kinds', () => {
    for (const id of ['run_01h', 'a', 'tenant/7:run@host', 'x'.repeat(200)]) expect(() => checkRunId(id)).not.toThrow();
  });

  it('refuses what a record line cannot hold', () => {
    for (const id of ['', '-', 'two words', 'line\nbreak', 'ü', 'x'.repeat(201)]) {
      expect(() => checkRunId(id)).toThrow(expect.objectContaining({ code: 'GENIE_RUN_ID' }));
    }
  });
});

function sample(count: number): Written[] {
  return Array.from({ length: count }, (_, index) => ({
    runId: `run_${index % 3}`,
    sequence: Math.trunc(index / 3),
    value: { kind: 'result', callId: `call-${index}`, output: `größe ${'x'.repeat(index % 17)} \n "quoted"` },
  }));
}

function line({ runId, sequence, value }: Written): string {
  return `${runId} ${sequence} - ${JSON.stringify(value)}`;
}

function encode(records: readonly Written[]): Buffer {
  const size = records.reduce((sum, record) => sum + maxRecordBytes(line(record).length), 0);
  const target = Buffer.alloc(size);
  let end = 0;
  for (const record of records) end = writeRecord(target, end, line(record));
  return target.subarray(0, end);
}

function endsOf(records: readonly Written[]): number[] {
  return records.map((_, index) => encode(records.slice(0, index + 1)).length);
}

function decode(bytes: Buffer) {
  const read: Written[] = [];
  const result = scanRecords(bytes, (record) => {
    read.push({ runId: record.runId, sequence: record.sequence, value: record.json() });
  });
  return { read, ...result };
}
