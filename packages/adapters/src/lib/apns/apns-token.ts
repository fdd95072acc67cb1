import { GenieError } from '@genie/core/errors';
import type { Clock } from '@genie/core/ports';
import { loadPeer } from '../load-peer.ts';

/** The provider token: Apple takes one for an hour and refuses one that is renewed more often than every 20 minutes. */
export interface ApnsToken {
  current(): Promise<string>;
  /** `refused` is not used again. */
  renew(refused: string): void;
}

export interface ApnsKey {
  readonly keyId: string;
  readonly teamId: string;
  readonly privateKey: string;
}

const lifeMs = 50 * 60_000;

export async function createApnsToken(options: ApnsKey, clock: Clock): Promise<ApnsToken> {
  const { SignJWT, importPKCS8 } = await loadPeer('jose', '6', () => import('jose'));
  const key = await importPKCS8(options.privateKey, 'ES256').catch((cause: unknown) => {
    throw new GenieError(
      'GENIE_PUSH_OPTIONS',
      'The private key of APNS cannot be read: pass the content of the .p8 file.',
      { cause },
    );
  });
  let token: { readonly text: Promise<string>; readonly madeAt: number; made?: string } | undefined;
  return {
    current() {
      const now = clock.now();
      if (!token || now - token.madeAt >= lifeMs || now < token.madeAt) {
        const jwt = new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: options.keyId });
        const fresh: NonNullable<typeof token> = {
          text: jwt
            .setIssuer(options.teamId)
            .setIssuedAt(Math.floor(now / 1000))
            .sign(key),
          madeAt: now,
        };
        void fresh.text.then((text) => {
          fresh.made = text;
        });
        token = fresh;
      }
      return token.text;
    },
    renew(refused) {
      if (token?.made === refused) token = undefined;
    },
  };
}
