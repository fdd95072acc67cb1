import type { Clock, Grant, Grants } from '@genie/core/ports';

export interface Passport {
  readonly genieId: string;
  readonly host: string;
  readonly port: number;
  readonly methodClass: 'read' | 'write';
  readonly runId?: string | undefined;
}

/** Looks grants up for the door. */
export interface GrantBook {
  /** The grant that decides, a prohibition before a permission; undefined when none applies. */
  find(passport: Passport, signal?: AbortSignal): Promise<Grant | undefined>;
  /** True while the grant exists and has not expired. */
  isValid(grantId: string): Promise<boolean>;
}

/** The subject that a grant covers: `egress:<host>:<port>:<read|write>`. */
export function subjectOf(passport: Omit<Passport, 'genieId' | 'runId'>): string {
  return `egress:${passport.host}:${passport.port}:${passport.methodClass}`;
}

/** The same for the requests of one run only. */
export function subjectForRun(subject: string, runId: string): string {
  return `${subject}@${runId}`;
}

/**
 * Reads grants anew at each question, so that a revocation in another process counts at once. An expiry is kept on two
 * clocks: wall time, and time passed since this process first saw the grant, so setting the clock back prolongs nothing.
 */
export function createGrantBook(grants: Grants, clock: Clock): GrantBook {
  const deadlines = new Map<string, number>();
  const isLive = (grant: Grant): boolean => {
    if (grant.expiresAt === undefined) return true;
    const deadline = deadlines.get(grant.id) ?? clock.elapsed() + (grant.expiresAt - clock.now());
    deadlines.set(grant.id, deadline);
    return clock.now() < grant.expiresAt && clock.elapsed() < deadline;
  };
  const list = async (signal?: AbortSignal): Promise<readonly Grant[]> => {
    const all = (await grants.list(signal ? { signal } : {})).filter((grant) => grant.kind === 'egress');
    const over = all.filter((grant) => !isLive(grant));
    // The store would go on answering with a grant whose wall time was set back.
    for (const grant of over) await grants.revoke(grant.id);
    return all.filter((grant) => !over.includes(grant));
  };
  return {
    async find(passport, signal) {
      const subjects = new Set([subjectOf(passport)]);
      const live = (await list(signal)).filter((grant) => grant.genieId === passport.genieId);
      const denied = live.find((grant) => grant.effect === 'deny' && subjects.has(grant.subject));
      if (denied !== undefined) return denied;
      // Whoever may write may read.
      subjects.add(subjectOf({ ...passport, methodClass: 'write' }));
      const { runId } = passport;
      if (runId !== undefined) for (const subject of [...subjects]) subjects.add(subjectForRun(subject, runId));
      return live.find((grant) => grant.effect === 'allow' && subjects.has(grant.subject));
    },
    async isValid(grantId) {
      return (await list()).some((grant) => grant.id === grantId && grant.effect === 'allow');
    },
  };
}
