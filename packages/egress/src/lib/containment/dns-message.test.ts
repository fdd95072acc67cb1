import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readQuestion } from './dns-message.ts';
import { createFakeNames } from './fake-names.ts';

function query(name: string, type = 1): Buffer {
  const labels = name
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([
    Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels,
    Buffer.from([0, 0, type, 0, 1]),
  ]);
}

const addressIn = (answer: Buffer): string => [...answer.subarray(-4)].join('.');

describe('createFakeNames', () => {
  it('answers A with an address that leads back to the name', () => {
    const names = createFakeNames();
    const answer = names.answer(query('Example.com')) ?? Buffer.alloc(0);
    expect(answer.readUInt16BE(0)).toBe(0x1234);
    expect(names.nameOf(addressIn(answer))).toBe('example.com');
    expect(addressIn(names.answer(query('example.com')) ?? Buffer.alloc(0))).toBe(addressIn(answer));
  });

  it('has no IPv6 and no bad names', () => {
    const names = createFakeNames();
    expect(names.answer(query('example.com', 28))?.readUInt16BE(6)).toBe(0);
    expect(names.answer(query('exa_mple.com'))?.readUInt16BE(2)).toBe(0x8583);
    expect(names.answer(query('127.0.0.1'))?.readUInt16BE(2)).toBe(0x8583);
  });

  it('forgets the oldest name when it runs out of addresses', () => {
    const names = createFakeNames(2);
    const first = addressIn(names.answer(query('one.test')) ?? Buffer.alloc(0));
    names.answer(query('two.test'));
    names.answer(query('three.test'));
    expect(names.nameOf(first)).toBe('three.test');
  });

  it('knows no address that it did not give out', () => {
    expect(createFakeNames().nameOf('198.18.0.1')).toBeUndefined();
    expect(createFakeNames().nameOf('1.1.1.1')).toBeUndefined();
  });
});

describe('readQuestion', () => {
  it('never throws, whatever arrives', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => readQuestion(bytes) === undefined || true));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(60), (bytes, at) => {
        const mutated = query('www.example.com');
        mutated.set(bytes.subarray(0, Math.max(0, mutated.length - at)), Math.min(at, mutated.length));
        const question = readQuestion(mutated);
        expect(question === undefined || question.name.length <= 255).toBe(true);
      }),
    );
  });

  it('refuses pointers, answers and a name that goes past the end', () => {
    expect(readQuestion(Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]))).toBeUndefined();
    expect(readQuestion(query('a.b').fill(0x80, 2, 3))).toBeUndefined();
    expect(readQuestion(query('example.com').subarray(0, 20))).toBeUndefined();
  });
});
