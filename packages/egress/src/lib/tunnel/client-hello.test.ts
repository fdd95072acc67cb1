import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildHello } from '../attacks/hello-bytes.ts';
import { readClientHello } from './client-hello.ts';

describe('readClientHello', () => {
  it('finds the name, whatever the size of the records', () => {
    fc.assert(
      fc.property(fc.domain(), fc.integer({ min: 4, max: 2_000 }), (name, recordBytes) => {
        const bytes = buildHello({ names: [name], recordBytes });
        expect(readClientHello(Buffer.concat([bytes, Buffer.from([23, 3, 3, 0, 1, 0])]))).toEqual({
          kind: 'hello',
          names: [name],
          isEncrypted: false,
          size: bytes.length,
        });
      }),
    );
  });

  it('waits at every length until the message is whole', () => {
    for (const recordBytes of [16_384, 50]) {
      const whole = buildHello({ names: ['allowed.test'], recordBytes });
      for (let length = 1; length < whole.length; length += 1)
        expect(readClientHello(whole.subarray(0, length)).kind).toBe('incomplete');
      expect(readClientHello(whole).kind).toBe('hello');
    }
  });

  it('never throws and never finds another name than the one that is there', () => {
    const whole = buildHello({ names: ['allowed.test'] });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        const result = readClientHello(changed);
        if (result.kind === 'hello') expect(result.names.length).toBeLessThan(2);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (bytes) => readClientHello(Buffer.from([22, 3, 1, ...bytes])).kind.length > 0,
      ),
    );
  });

  it('does not read records without end', () => {
    expect(readClientHello(buildHello({ names: ['allowed.test'], recordBytes: 1 })).kind).toBe('invalid');
  });
});
