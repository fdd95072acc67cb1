import { GenieError } from '@genie/core/errors';
import type { Clock } from '@genie/core/ports';
import { loadPeer } from '../load-peer.ts';
import type { ServiceAccount } from './service-account.ts';

/** The access token of the service account (RFC 7523: a signed assertion for a token). */
export interface FcmToken {
  current(): Promise<string>;
  /** `refused` is not used again. */
  renew(refused: string): void;
}

export interface TokenSource {
  readonly serviceAccount: ServiceAccount;
  readonly fetch: typeof fetch;
  readonly timeoutMs?: number;
}

interface Held {
  readonly text: string;
  readonly until: number;
}

const scope = 'https://www.googleapis.com/auth/firebase.messaging';

export async function createFcmToken(options: TokenSource, clock: Clock): Promise<FcmToken> {
  const { serviceAccount: account } = options;
  const { SignJWT, importPKCS8 } = await loadPeer('jose', '6', () => import('jose'));
  const key = await importPKCS8(account.private_key, 'RS256').catch((cause: unknown) => {
    throw new GenieError(
      'GENIE_PUSH_OPTIONS',
      'The private key of the service account cannot be read: pass the JSON file as Google gives it.',
      { cause },
    );
  });
  const tokenUri = account.token_uri ?? 'https://oauth2.googleapis.com/token';
  let held: Held | undefined;
  let asking: Promise<Held> | undefined;
  const ask = async (): Promise<Held> => {
    const now = clock.now();
    const header = { alg: 'RS256', typ: 'JWT', ...(account.private_key_id ? { kid: account.private_key_id } : {}) };
    const jwt = new SignJWT({ scope }).setProtectedHeader(header).setIssuer(account.client_email).setAudience(tokenUri);
    const seconds = Math.floor(now / 1000);
    const assertion = await jwt
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + 3600)
      .sign(key);
    const response = await options.fetch(tokenUri, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
      // Not the signal of the one who asked first: others wait for the same token.
      signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
    });
    const answer = (await response.json().catch(() => ({}))) as {
      access_token?: string;
      expires_in?: number;
      error?: string;
    };
    if (!response.ok || !answer.access_token)
      throw new Error(`no access token: ${response.status} ${String(answer.error ?? '')}`);
    return { text: answer.access_token, until: now + ((answer.expires_in ?? 3600) - 60) * 1000 };
  };
  return {
    async current() {
      if (held && clock.now() < held.until) return held.text;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      held = await asking;
      return held.text;
    },
    renew(refused) {
      if (held?.text === refused) held = undefined;
    },
  };
}
