import type { ConformanceSuite } from '@genie/core/conformance';
import type { Attack, AttackWorld } from './attack.ts';
import { attacksOnAddresses } from './attacks-on-addresses.ts';
import { attacksOnLimits } from './attacks-on-limits.ts';
import { attacksOnNames } from './attacks-on-names.ts';
import { attacksOnTheWire } from './attacks-on-the-wire.ts';
import { attacksOnTunnels } from './attacks-on-tunnels.ts';

export const attacks: readonly Attack[] = [
  ...attacksOnNames,
  ...attacksOnAddresses,
  ...attacksOnTheWire,
  ...attacksOnTunnels,
  ...attacksOnLimits,
];

/** Every attack as a conformance case, for any proxy that can be put into an {@link AttackWorld}. */
export const egressAttackSuite: ConformanceSuite<AttackWorld> = { port: 'egress proxy', cases: attacks };
