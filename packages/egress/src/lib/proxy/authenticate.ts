import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { GenieError } from '@genie/core/errors';
import { EgressError } from '../egress-error.ts';

/** Throws `EgressError` with the reason `authentication`. */
export type Authenticator = (request: IncomingMessage) => void;

/** Basic credentials, compared in constant time. Throws `GENIE_EGRESS_OPTIONS` unless `auth` is `user:password`. */
export function createAuthenticator(auth: string | undefined): Authenticator {
  if (auth === undefined) return () => undefined;
  if (!/^[^:\s]+:.+$/.test(auth))
    throw new GenieError('GENIE_EGRESS_OPTIONS', 'auth is refused: write "user:password"');
  const expected = Buffer.from(Buffer.from(auth).toString('base64'));
  return ({ headers }) => {
    const match = /^basic +([A-Za-z0-9+/=]+)$/i.exec(headers['proxy-authorization'] ?? '');
    const given = Buffer.from(match?.[1] ?? '');
    if (given.length === expected.length && timingSafeEqual(given, expected)) return;
    throw new EgressError('authentication', 'this proxy needs a user and a password');
  };
}
