import { fixedClock } from '@genie/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRequestStates } from './request-state.ts';

const request = { method: 'tools/call', target: { name: 'delete', input: { file: 'a' } } };
const states = createRequestStates(new Uint8Array(32).fill(7), { now: () => 1_000 });

describe('createRequestStates', () => {
  it('gives back what it sealed, for the same request only', () => {
    const state = states.seal(request, { ok: { action: 'accept' } });
    expect(states.open(request, state)).toEqual({ ok: { action: 'accept' } });
    const other = { ...request, target: { name: 'delete', input: { file: 'b' } } };
    expect(() => states.open(other, state)).toThrow('Invalid or expired');
  });

  it('refuses a state with any character changed, added or removed', () => {
    const state = states.seal(request, { ok: true });
    fc.assert(
      fc.property(fc.nat({ max: state.length - 1 }), fc.string({ maxLength: 2 }), (at, text) => {
        const changed = state.slice(0, at) + text + state.slice(at + 1);
        fc.pre(changed !== state);
        expect(() => states.open(request, changed)).toThrow('Invalid or expired');
      }),
    );
  });

  it('refuses a state of another key and one that is too old', () => {
    const clock = fixedClock();
    const timed = createRequestStates(new Uint8Array(32).fill(7), clock);
    const foreign = createRequestStates(new Uint8Array(32).fill(8), clock);
    const state = timed.seal(request, {});
    expect(() => foreign.open(request, state)).toThrow('Invalid or expired');
    clock.advance(11 * 60_000);
    expect(() => timed.open(request, state)).toThrow('Invalid or expired');
  });
});
