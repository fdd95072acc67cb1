import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from './redact.ts';

describe('createRedactor', () => {
  it('hides a key in any surroundings and form', () => {
    const keys = fc.stringMatching(/^[A-Za-z0-9_-]{16,60}$/);
    fc.assert(
      fc.property(keys, fc.string(), fc.string(), (key, before, after) => {
        const redact = createRedactor([key]);
        for (const form of [key, encodeURIComponent(key), Buffer.from(key).toString('base64')]) {
          expect(redact(`${before}${form}${after}`)).not.toContain(form.replace(/=+$/, ''));
        }
      }),
    );
  });

  it('hides masked echoes, and leaves other text alone', () => {
    const redact = createRedactor(['sk-proj-abcdefghijklmnop1234']);
    expect(redact('Incorrect API key provided: sk-proj-abc*****1234.')).toBe('Incorrect API key provided: [key]');
    expect(redact('Incorrect API key provided: sk-p****1234.')).toBe('Incorrect API key provided: [key].');
    expect(redact('nothing to hide 1234')).toBe('nothing to hide 1234');
    expect(createRedactor([undefined, ''])('a')).toBe('a');
    expect(createRedactor(['k'])('a k key k')).toBe('a [key] key [key]');
  });
});
