import { createHash, randomBytes } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import type { TerminalMode } from './terminal-mode.ts';

export interface TerminalGrant {
  readonly user: string;
  readonly container: string;
  readonly mode: TerminalMode;
}

/** Tokens that open one terminal once, for a browser that cannot send headers with its WebSocket. */
export interface TerminalTokens {
  /** Not guessable, and good for one terminal for a short while. */
  issue(grant: TerminalGrant): string;
  /** Throws `GENIE_TERMINAL_TOKEN` for one that is unknown, was used, has expired, or is for another container. */
  redeem(token: string, container: string): TerminalGrant;
}

interface Issued {
  readonly grant: TerminalGrant;
  readonly expiresAt: number;
}

/** Kept as hashes in this process: what leaks from memory dumps or logs opens nothing. `lifeMs` is 30,000 unless told otherwise. */
export function createTerminalTokens(
  options: { readonly lifeMs?: number; readonly clock?: Clock } = {},
): TerminalTokens {
  const { lifeMs = 30_000, clock = systemClock } = options;
  const issued = new Map<string, Issued>();
  const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
  return {
    issue(grant) {
      const now = clock.elapsed();
      for (const [hash, { expiresAt }] of issued) if (expiresAt <= now) issued.delete(hash);
      const token = randomBytes(32).toString('base64url');
      issued.set(hashOf(token), { grant, expiresAt: now + lifeMs });
      return token;
    },
    redeem(token, container) {
      const hash = hashOf(token);
      const found = issued.get(hash);
      // Also a try for another container uses it up: somebody has it who should not.
      issued.delete(hash);
      if (found && found.expiresAt > clock.elapsed() && found.grant.container === container) return found.grant;
      throw new GenieError(
        'GENIE_TERMINAL_TOKEN',
        'This token opens no terminal: it is unknown, used, expired or for another genie. Ask for a new one.',
      );
    },
  };
}
