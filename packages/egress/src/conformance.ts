export type { Attack, AttackWorld, Reply, SendOptions } from './lib/attacks/attack.ts';
export { egressAttackSuite } from './lib/attacks/attack-suite.ts';
export type { OpenWorld, WorldOptions } from './lib/attacks/attack-world.ts';
export { openAttackWorld } from './lib/attacks/attack-world.ts';
export type { HelloOptions } from './lib/attacks/hello-bytes.ts';
export { buildHello } from './lib/attacks/hello-bytes.ts';
export type { EgressPortSetup } from './lib/conformance/egress-port-suite.ts';
export { egressPortSuite } from './lib/conformance/egress-port-suite.ts';
export type { RuleName } from './lib/policy/rules.ts';
