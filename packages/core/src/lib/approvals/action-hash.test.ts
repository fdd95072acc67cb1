import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleAction } from '../conformance/approvals-setup.ts';
import type { JsonObject } from '../json.ts';
import { actionHash } from './action-hash.ts';

const payloads = fc.dictionary(
  fc.string().filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key)),
  fc.jsonValue().filter((value) => !/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value))),
) as fc.Arbitrary<JsonObject>;

describe('actionHash', () => {
  it('is the SHA-256 of the canonical JSON of the four members', () => {
    const text =
      '{"genieId":"genie_a","kind":"egress","payload":{"method":"GET","url":"https://example.com/"},"subject":"egress:example.com:443:read"}';
    expect(actionHash(sampleAction())).toBe(createHash('sha256').update(text).digest('hex'));
    expect(actionHash({ ...sampleAction(), note: 'not covered' } as never)).toBe(actionHash(sampleAction()));
  });

  it('does not depend on the order of members, at any depth', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        expect(actionHash(sampleAction({ payload: reversed(payload) as JsonObject }))).toBe(
          actionHash(sampleAction({ payload })),
        );
      }),
    );
  });

  it('is equal only for payloads that are equal as JSON', () => {
    fc.assert(
      fc.property(payloads, payloads, (left, right) => {
        const isSame = JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
        const hashes = [left, right].map((payload) => actionHash(sampleAction({ payload })));
        expect(hashes[0] === hashes[1]).toBe(isSame);
      }),
    );
  });

  it('survives being stored', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const stored = JSON.parse(JSON.stringify(sampleAction({ payload }))) as ReturnType<typeof sampleAction>;
        expect(actionHash(stored)).toBe(actionHash(sampleAction({ payload })));
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['a prototype member', JSON.parse('{"a":{"__proto__":{"b":1}}}'), 'action.payload.a.__proto__'],
    ['a date', { list: [1, new Date(0)] }, 'action.payload.list[1]'],
    ['a number that is none', { n: Number.POSITIVE_INFINITY }, 'action.payload.n'],
    ['a hole', { list: [undefined] }, 'action.payload.list[0]'],
    ['a big integer', { n: 1n }, 'action.payload.n'],
    ['text instead of an object', 'ls', 'action.payload'],
  ])('refuses %s and names the place', (_what, payload, path) => {
    expect(() => actionHash(sampleAction({ payload: payload as JsonObject }))).toThrow(
      expect.objectContaining({ code: 'GENIE_APPROVAL_INPUT', details: expect.objectContaining({ path }) }),
    );
  });

  it('refuses a cycle instead of running out of stack', () => {
    const payload: { self?: unknown } = {};
    payload.self = payload;
    expect(() => actionHash(sampleAction({ payload: payload as JsonObject }))).toThrow(/is it a cycle/);
  });
});

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
