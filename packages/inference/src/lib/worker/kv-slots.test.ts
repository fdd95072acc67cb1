import { describe, expect, it } from 'vitest';
import { chooseSlot, type KvSlot } from './kv-slots.ts';

/** A sequence is its tokens, here letters. */
const slot = (key: string | undefined, sequence: string, lastUse: number): KvSlot<string> => ({
  sequence,
  key,
  lastUse,
});

function choose(slots: readonly KvSlot<string>[], key: string, prompt: string) {
  const { slot: chosen, kind } = chooseSlot(slots, key, (sequence) => {
    let common = 0;
    while (common < prompt.length && sequence[common] === prompt[common]) common += 1;
    return { common, held: sequence.length };
  });
  return [slots.indexOf(chosen), kind];
}

describe('chooseSlot', () => {
  it('takes the longest common prefix of the same key only', () => {
    const slots = [slot('a', 'xxxx', 1), slot('b', 'abcdef', 2), slot('a', 'abcx', 3)];
    expect(choose(slots, 'a', 'abcdef')).toEqual([2, 'hit']);
    expect(choose(slots, 'b', 'abcdef')).toEqual([1, 'hit']);
  });

  it('takes an empty one, then the longest unused', () => {
    expect(choose([slot('a', 'x', 2), slot(undefined, '', 0)], 'b', 'y')).toEqual([1, 'free']);
    expect(choose([slot('a', 'x', 2), slot('c', 'x', 1)], 'b', 'y')).toEqual([1, 'evict']);
    expect(() => choose([], 'a', 'x')).toThrow(RangeError);
  });

  it('keeps another long conversation of the same key apart while there is room', () => {
    const long = 'a'.repeat(200);
    expect(choose([slot('a', long, 2), slot(undefined, '', 0)], 'a', 'b'.repeat(200))).toEqual([1, 'free']);
    expect(choose([slot('a', long, 2), slot('c', 'x', 1)], 'a', 'b'.repeat(200))).toEqual([1, 'evict']);
    expect(choose([slot('a', `b${long}`, 2), slot(undefined, '', 0)], 'a', `b${long.slice(0, 120)}c`)).toEqual([
      0,
      'hit',
    ]);
  });
});
