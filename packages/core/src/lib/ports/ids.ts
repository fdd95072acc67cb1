import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

/** Where identifiers come from. `next('run')` gives `run_<26 characters>`; later ids sort after earlier ones. */
export interface Ids {
  next(prefix: string): string;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Time-ordered random ids in the ULID layout (48 bits of time, 80 of randomness, Crockford base 32, lower case;
 * https://github.com/ulid/spec), monotonic within one instance even when the clock goes back.
 */
export function createIds(clock: Pick<Clock, 'now'>): Ids {
  let lastTime = 0;
  let timePart = '';
  let pool = Buffer.alloc(0);
  let offset = 0;
  let counter = 0;
  return {
    next(prefix) {
      const now = clock.now();
      if (now > lastTime) {
        lastTime = now;
        counter = 0;
        timePart = encode(now, 10);
      } else {
        counter += 1;
      }
      if (offset + 8 > pool.length) {
        pool = randomBytes(4096);
        offset = 0;
      }
      let random = '';
      for (let index = 0; index < 8; index += 1) random += alphabet[(pool[offset + index] ?? 0) & 31];
      offset += 8;
      return `${prefix}_${timePart}${encode(counter, 8)}${random}`;
    },
  };
}

function encode(value: number, length: number): string {
  let text = '';
  let rest = value;
  for (let index = 0; index < length; index += 1) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
