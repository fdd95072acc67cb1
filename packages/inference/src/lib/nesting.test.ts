import { describe, expect, it } from 'vitest';
import { isNestedDeeper } from './nesting.ts';

function nested(levels: number): unknown {
  let value: unknown = 'x';
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? { a: value } : [value, 1];
  return value;
}

describe('isNestedDeeper', () => {
  it('judges any depth, at the limit exactly', () => {
    expect([0, 1, 5, 6, 200_000].map((levels) => isNestedDeeper(nested(levels), 5))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    for (const plain of [undefined, null, 'x', 1, [], {}]) expect(isNestedDeeper(plain, 1)).toBe(false);
  });

  it('is quick for values that hold themselves or share their parts', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(isNestedDeeper(circle)).toBe(true);
    let shared: unknown = {};
    for (let level = 0; level < 100; level += 1) shared = [shared, shared];
    expect(isNestedDeeper(shared)).toBe(false);
  });
});
