import { createHash } from 'node:crypto';

/** A stable id of 32 letters that fits every push service's limits, from one of any form. */
export function shortId(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 32);
}

/** A stable UUID from any text: the same delivery has the same one over all tries. */
export function stableUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
