import type { EgressGrade } from './egress.ts';

/**
 * A network that commands can join and whose only way out is the egress filter. Made by the egress package, used by the sandbox
 * of the tools package, owned by whoever composes the two.
 */
export interface ContainmentPort {
  /** Put in front of a command to run it inside, e.g. `nsenter --user --net …`. */
  readonly enter: readonly [string, ...string[]];
  /** For programs that respect proxy variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** `contained` only while no other route exists. */
  readonly grade: EgressGrade;
  /** False once it is closed or its holder died: commands inside then have no network at all. */
  readonly isOpen: boolean;
  /** Cuts every connection of commands inside. Idempotent. */
  close(): Promise<void>;
}
