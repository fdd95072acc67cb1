import { expectThat } from '@genie/core/conformance';
import type { AttackWorld, Reply } from './attack.ts';

/** The reply refuses for this reason, nobody was asked for a name, and nothing arrived anywhere. */
export function expectRefused(world: AttackWorld, reply: Reply, reason: string): void {
  expectThat(reply.reason === reason, `expected to be refused for "${reason}", got ${describe(reply)}`);
  expectNothingLeft(world);
}

export function expectNothingLeft(world: AttackWorld): void {
  expectThat(
    world.arrived.length === 0,
    `${world.arrived[0]?.method} ${world.arrived[0]?.url} arrived at ${world.arrived[0]?.at}`,
  );
  expectThat(world.victimConnections() === 0, 'the victim was connected to');
}

export function expectNoLookup(world: AttackWorld): void {
  expectThat(world.lookups.length === 0, `the resolver was asked for ${JSON.stringify(world.lookups[0])}`);
}

/** The tunnel was closed without an answer, and no byte of it went on. */
export function expectCut(world: AttackWorld, reply: Reply): void {
  expectThat(reply.isClosed, `the tunnel stays open: ${describe(reply)}`);
  expectThat(reply.text === '', `something came back: ${describe(reply)}`);
  expectThat(world.tlsBytes() === 0, `${world.tlsBytes()} bytes went through the tunnel`);
  expectNothingLeft(world);
}

export function describe(reply: Reply): string {
  return `${reply.status ?? 'no status'} ${reply.reason ?? ''} ${JSON.stringify(reply.text.slice(0, 120))}${reply.isClosed ? ', closed' : ', open'}`;
}
