import { canonicalJson, type JsonObject, type JsonValue } from '@genie/core/ports';
import { sha256 } from '../sha256.ts';

/** One call that succeeded. */
export interface ChainCall {
  readonly runId: string;
  readonly tool: string;
  readonly input: JsonValue;
  readonly output: JsonValue;
}

export interface ToolChainStep {
  readonly tool: string;
  /** Arguments that were the same every time. */
  readonly fixed: JsonObject;
  /** Arguments that came out of an earlier step, by the index of that step. */
  readonly fromStep: Readonly<Record<string, number>>;
  /** Arguments that were different and come from outside. */
  readonly parameters: readonly string[];
}

/** Tools that were called one after the other, again and again. */
export interface ToolChain {
  readonly id: string;
  readonly steps: readonly ToolChainStep[];
  readonly times: number;
  /** In how many runs. */
  readonly runs: number;
  /** A chain is worth a playbook; one that comes back in run after run is worth a skill. */
  readonly worth: 'playbook' | 'skill';
}

export interface FindToolChainsOptions {
  /** Default 3. */
  readonly minTimes?: number;
  /** Runs from which on a chain is worth a skill. Default 3. */
  readonly minSkillRuns?: number;
  /** Longest chain that is looked for. Default 6. */
  readonly maxLength?: number;
}

/**
 * Finds chains of two or more different calls in what runs did, most frequent first. Calls are in the order they were made;
 * a part of a longer chain that never happened alone is left out.
 */
export function findToolChains(
  calls: readonly ChainCall[],
  { minTimes = 3, minSkillRuns = 3, maxLength = 6 }: FindToolChainsOptions = {},
): readonly ToolChain[] {
  const byRun = [...Map.groupBy(calls, ({ runId }) => runId).values()];
  const found: Occurrences[] = [];
  for (let length = maxLength; length >= 2; length -= 1) {
    for (const chain of occurrencesOf(byRun, length)) {
      const isPart = found.some(
        (longer) => longer.times.length >= chain.times.length && longer.key.includes(chain.key),
      );
      if (chain.times.length >= minTimes && !isPart) found.push(chain);
    }
  }
  return found
    .map(({ key, times }): ToolChain => {
      const runs = new Set(times.map(([first]) => first?.runId)).size;
      const steps = times[0]?.map((_, index) => describeStep(times, index)) ?? [];
      const worth = runs >= minSkillRuns ? 'skill' : 'playbook';
      return { id: sha256(key).slice(0, 12), steps, times: times.length, runs, worth };
    })
    .sort((a, b) => b.times - a.times || b.steps.length - a.steps.length);
}

interface Occurrences {
  /** `>a>b>`, so that a part of a chain is a part of the text. */
  readonly key: string;
  readonly times: readonly (readonly ChainCall[])[];
}

/** Where chains of one length happen; those that overlap with themselves count once. */
function occurrencesOf(byRun: readonly (readonly ChainCall[])[], length: number): readonly Occurrences[] {
  const times = new Map<string, (readonly ChainCall[])[]>();
  for (const run of byRun) {
    const nextFree = new Map<string, number>();
    for (let start = 0; start + length <= run.length; start += 1) {
      const part = run.slice(start, start + length);
      const key = `>${part.map(({ tool }) => tool).join('>')}>`;
      // The same call many times in a row is a list, not a chain.
      if (new Set(part.map(({ tool }) => tool)).size < 2 || start < (nextFree.get(key) ?? 0)) continue;
      nextFree.set(key, start + length);
      times.set(key, [...(times.get(key) ?? []), part]);
    }
  }
  return [...times].map(([key, all]) => ({ key, times: all }));
}

function describeStep(times: Occurrences['times'], index: number): ToolChainStep {
  const calls = times.flatMap((chain) => chain[index] ?? []);
  const names = new Set(calls.flatMap(({ input }) => Object.keys(asObject(input))));
  const fixed: Record<string, JsonValue> = {};
  const fromStep: Record<string, number> = {};
  const parameters: string[] = [];
  for (const name of names) {
    const values = calls.map(({ input }) => asObject(input)[name]);
    const source = times[0]?.findIndex(
      (_, step) => step < index && times.every((chain) => came(chain, step, index, name)),
    );
    const first = values[0];
    if (first !== undefined && new Set(values.map((value) => canonicalJson(value ?? null))).size === 1)
      fixed[name] = first;
    else if (source !== undefined && source >= 0) fromStep[name] = source;
    else parameters.push(name);
  }
  return { tool: calls[0]?.tool ?? '', fixed, fromStep, parameters };
}

/** True when an argument stands in the answer of an earlier step. Short ones stand everywhere. */
function came(chain: readonly ChainCall[], step: number, index: number, name: string): boolean {
  const value = asObject(chain[index]?.input ?? null)[name];
  if (typeof value !== 'string' || value.length < 4) return false;
  return JSON.stringify(chain[step]?.output ?? null).includes(JSON.stringify(value).slice(1, -1));
}

function asObject(value: JsonValue): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
