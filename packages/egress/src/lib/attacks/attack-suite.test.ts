import { createMemoryApprovals } from '@genie/core';
import { createIds, systemClock } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { composeEgress } from '../create-egress.ts';
import { allRules, type RuleName, type Rules, rulesWithout } from '../policy/rules.ts';
import type { Attack } from './attack.ts';
import { attacks } from './attack-suite.ts';
import { type OpenWorld, openAttackWorld } from './attack-world.ts';

async function stops(
  attack: Attack,
  rules: Rules,
  prepare?: (open: OpenWorld) => Promise<unknown>,
): Promise<string | undefined> {
  const approvals =
    prepare === undefined ? undefined : createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
  const open = await openAttackWorld({
    create: (options) => composeEgress({ ...options, ...(approvals ? { approvals, holdMs: 30_000 } : {}) }, rules),
  });
  try {
    await prepare?.(open);
    await attack.run(open.world);
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    await open.close();
  }
}

const attacksByRule = Map.groupBy(attacks, (attack) => attack.rule);

describe('the filter stops', () => {
  it.each(attacks.map((attack) => [attack.name, attack] as const))('%s', async (_name, attack) => {
    expect(await stops(attack, allRules)).toBeUndefined();
  });

  it('at least 120 attacks, each with a name of its own', () => {
    expect(new Set(attacks.map((attack) => attack.name)).size).toBe(attacks.length);
    expect(attacks.length).toBeGreaterThanOrEqual(120);
  });
});

/** Five requests that wait for the user, one of them in a tunnel. */
async function holdFive({ world, egress }: OpenWorld): Promise<void> {
  const port = world.ports.allowed;
  for (const host of ['h1.test', 'h2.test', 'h3.test', 'h4.test'])
    void egress.fetch(`http://${host}:${port}/`).catch(() => undefined);
  void world.send(`CONNECT h5.test:${port} HTTP/1.1\r\nHost: h5.test:${port}\r\n\r\n`, { quietMs: 20_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
}

// With somebody to ask, what is only unknown is held instead of refused; everything else has to stay as it is.
const askable: ReadonlySet<RuleName> = new Set(['allowlist', 'port', 'method']);

describe('while five requests are held the filter stops', () => {
  it.each(attacks.filter((attack) => !askable.has(attack.rule)).map((attack) => [attack.name, attack] as const))(
    '%s',
    async (_name, attack) => {
      expect(await stops(attack, allRules, holdFive)).toBeUndefined();
    },
  );
});

describe('without the rule', () => {
  it.each([...attacksByRule.keys()].sort())('%s an attack gets through', async (rule: RuleName) => {
    const caught: string[] = [];
    for (const attack of attacksByRule.get(rule) ?? []) {
      const failure = await stops(attack, rulesWithout(rule));
      if (failure !== undefined) caught.push(`${attack.name}: ${failure}`);
      if (caught.length > 0) break;
    }
    expect(caught, `no test notices that "${rule}" is gone`).not.toEqual([]);
  });
});
