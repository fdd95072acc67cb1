import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';

/** Where identifiers come from. `next('run')` gives `run_<26 characters>`; later ids sort after earlier ones. */
export interface Ids {
  next(prefix: string): string;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Time-ordered random ids of 26 characters: 48 bits of time as in ULID (https://github.com/ulid/spec), a counter that keeps
 * ids of one millisecond in order (also when the clock goes back), 48 random bits. Safe in file names.
 */
export function createIds(clock: Pick<Clock, 'now'>): Ids {
  let lastTime = 0;
  let timePart = '';
  let counter = 0;
  return {
    next(prefix) {
      const now = Math.trunc(clock.now());
      if (now > lastTime) {
        lastTime = now;
        counter = 0;
        timePart = encode(now, 10);
      } else {
        counter += 1;
      }
      // The runtime keeps a pool of random bytes for UUIDs, so this is cheaper than a pool of our own.
      const random = randomUUID();
      return `${prefix}_${timePart}${encode(counter, 4)}${random.slice(0, 8)}${random.slice(9, 13)}`;
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
