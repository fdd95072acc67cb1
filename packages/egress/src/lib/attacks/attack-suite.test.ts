import { describe, expect, it } from 'vitest';
import { composeEgress } from '../create-egress.ts';
import { allRules, type RuleName, type Rules, rulesWithout } from '../policy/rules.ts';
import type { Attack } from './attack.ts';
import { attacks } from './attack-suite.ts';
import { openAttackWorld } from './attack-world.ts';

async function stops(attack: Attack, rules: Rules): Promise<string | undefined> {
  const open = await openAttackWorld({ create: (options) => composeEgress(options, rules) });
  try {
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
