import type { Destination } from '../policy/decision.ts';

/** Scheme, host and port of an origin as undici hands it over; undefined when it is not `http:` or `https:`. */
export function readOrigin(origin: string): Omit<Destination, 'method'> | undefined {
  const match = /^(https?):\/\/(\[[^\]]*\]|[^/:?#@\\]*)(?::(\d{1,5}))?\/?$/.exec(origin);
  if (match === null) return undefined;
  const scheme = match[1] === 'https' ? 'https' : 'http';
  return {
    scheme,
    hostText: match[2] ?? '',
    port: match[3] === undefined ? (scheme === 'https' ? 443 : 80) : Number(match[3]),
  };
}
