import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoopContext } from './loop-context.ts';
import { storeOutput } from './store-output.ts';

const loop = { limits: { maxOutputCharacters: 100_000 } } as LoopContext;
const outputOf = (output: unknown) => storeOutput(loop, 'call_1', { status: 'completed', output } as never);

describe('storeOutput', () => {
  it('keeps what JSON makes of a result, as a copy', () => {
    const values = fc.anything({
      withNullPrototype: true,
      withSparseArray: true,
      key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toJSON', '1')),
      values: [fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constantFrom(null, undefined, -0, new Date(0))],
    });
    fc.assert(
      fc.property(
        values.filter((value) => value !== undefined),
        (value) => {
          const stored = outputOf(value) as Awaited<ReturnType<typeof outputOf>>;
          const expected = typeof value === 'string' ? value : JSON.parse(JSON.stringify(value));
          expect(stored.outcome).toStrictEqual({ status: 'completed', output: expected });
          if (typeof value === 'object' && value !== null)
            expect((stored.outcome as { output: unknown }).output).not.toBe(value);
        },
      ),
    );
  });
});
