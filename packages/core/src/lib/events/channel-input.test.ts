import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GenieError } from '../genie-error.ts';
import { copyWithinLimits, defaultChannelLimits } from './channel-input.ts';

const copy = (value: unknown, limits = {}): unknown =>
  copyWithinLimits('test:x', value, { ...defaultChannelLimits, ...limits });

describe('copyWithinLimits', () => {
  it('copies plain JSON as it is', () => {
    const isTame = (text: string): boolean => !/__proto__|constructor|prototype/.test(text);
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(isTame(text));
        const plain: unknown = JSON.parse(text);
        const copied = copy(plain);
        expect(copied).toEqual(plain);
        if (typeof plain === 'object' && plain !== null) expect(copied).not.toBe(plain);
      }),
    );
  });

  it('drops prototype members at any depth, and pollutes nothing when its result is merged', () => {
    const hostile: unknown = JSON.parse(
      '{"a":1,"__proto__":{"polluted":true},"list":[{"constructor":{"prototype":{"polluted":true}}}]}',
    );
    const copied = copy(hostile) as Record<string, unknown>;
    expect(JSON.stringify(copied)).toBe('{"a":1,"list":[{}]}');
    expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect((copied as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each<[string, unknown, object, string]>([
    ['a long string', { deep: [{ text: 'x'.repeat(100_001) }] }, {}, 'deep[0].text has 100001 characters'],
    ['a long key', { ['k'.repeat(100_001)]: 1 }, {}, 'has 100001 characters'],
    ['much text in all', Array(20).fill('x'.repeat(90_000)), {}, '[11] brings the text to over 1000000 characters'],
    ['deep nesting', JSON.parse('['.repeat(40) + ']'.repeat(40)), {}, 'is nested deeper than 32 levels'],
    ['many values', Array(10_001).fill(0), {}, 'has 10001 members, 10000 are allowed'],
    ['many small objects', Array.from({ length: 6_000 }, () => ({ a: 1 })), {}, 'brings the values to over 10000'],
    ['a sparse array', Array(2 ** 32 - 1), {}, 'has 4294967295 members'],
    ['a cycle', cycle(), {}, 'is nested deeper than 32 levels'],
    ['a number that is none', { n: Number.NaN }, {}, 'n is NaN, which is no JSON'],
    ['a big integer', { n: 1n }, {}, 'n is a bigint'],
    ['a function', () => 1, {}, 'the input is a function'],
    ['a map', { all: new Map() }, {}, 'all is no plain object'],
    ['a date', [new Date()], {}, '[0] is no plain object'],
  ])('refuses %s, naming the place', (_what, value, limits, message) => {
    expect(() => copy(value, limits)).toThrow(message);
    expect(() => copy(value, limits)).toThrow(expect.objectContaining({ code: 'GENIE_CHANNEL_INPUT' }));
  });

  it('takes a string of exactly 100,000 characters', () => {
    expect(copy('x'.repeat(100_000))).toHaveLength(100_000);
  });

  it('either copies or throws its own error, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.anything({ withMap: true, withDate: true, withBigInt: true, withNullPrototype: true }),
        (value) => {
          try {
            copy(value);
          } catch (error) {
            expect(GenieError.isInstance(error) && error.code).toBe('GENIE_CHANNEL_INPUT');
          }
        },
      ),
    );
  });
});

function cycle(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}
