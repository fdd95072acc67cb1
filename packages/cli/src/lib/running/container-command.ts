import type { FlagValues } from '../cli/flag-values.ts';
import type { GenieStore } from '../compose/genie-store.ts';
import { modelFlags } from './model-flags.ts';

export interface ContainerCommandOptions {
  readonly home: string;
  readonly flags: FlagValues;
  readonly store: Pick<GenieStore, 'runs'>;
  /** What `--store` says inside. */
  readonly storeInside: string;
}

/** Flags that mean the same inside, for every command. */
const switches = ['json', 'debug'];
/** Flags of the run that was asked for, not of what goes on with it. */
const runSwitches = ['force', 'exit-code'];
const runTexts = ['note'];

/**
 * The words after `genie` for each attempt at one run: the first one runs. A later one goes on with the run that an earlier one began, shows it when it was
 * over, and runs when none was begun, so that the work is done once, also when it was forced.
 */
export async function createContainerCommand(
  options: ContainerCommandOptions,
): Promise<(attempt: number) => Promise<readonly string[]>> {
  const { home, flags, store, storeInside } = options;
  const known = new Set((await store.runs()).map(({ runId }) => runId));
  const place = ['--home', home, '--store', storeInside, ...given(flags, switches)];
  const models = given(flags, [], Object.keys(modelFlags));
  const run = ['run', ...place, ...models, ...given(flags, runSwitches, runTexts)];
  return async (attempt) => {
    if (attempt === 0) return run;
    const begun = (await store.runs()).findLast(({ runId }) => !known.has(runId));
    if (begun === undefined) return run;
    return begun.status === 'closed' ? ['show', begun.runId, ...place] : ['resume', begun.runId, ...place, ...models];
  };
}

function given(flags: FlagValues, names: readonly string[], texts: readonly string[] = []): readonly string[] {
  return [
    ...names.filter((name) => flags.on(name)).map((name) => `--${name}`),
    ...texts.flatMap((name) => {
      const value = flags.text(name);
      // One word, so that a value that begins with a dash stays a value.
      return value === undefined ? [] : [`--${name}=${value}`];
    }),
  ];
}
