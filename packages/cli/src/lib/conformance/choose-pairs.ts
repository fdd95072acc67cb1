import type { ConformanceSetup } from '@genie/core/conformance';
import { usageError } from '../cli/usage-error.ts';
import { loadModule, loadSetup } from './load-setup.ts';
import type { NamedSuite } from './load-suites.ts';

/** A suite and what makes the implementation it runs against. */
export interface SuitePair {
  readonly suite: NamedSuite;
  readonly create: () => Promise<ConformanceSetup<unknown>>;
}

export interface Choice {
  readonly positionals: readonly string[];
  readonly exportName: string | undefined;
  readonly workingFolder: string;
}

/** `SUITE MODULE`: that one. `MODULE`: every suite that an export of the module is named after. Throws `GENIE_CLI_USAGE`. */
export async function choosePairs(suites: readonly NamedSuite[], choice: Choice): Promise<readonly SuitePair[]> {
  const [first = '', module] = choice.positionals;
  const suite = suites.find((one) => one.name === first);
  if (suite) {
    if (module === undefined)
      throw usageError(
        `genie conformance ${first} needs the module to test: genie conformance ${first} ./my-module.ts`,
      );
    const { exportName = 'create', workingFolder } = choice;
    return [{ suite, create: await loadSetup(module, { exportName, workingFolder }) }];
  }
  if (module !== undefined) throw await unknownSuite(suites, first);
  if (!/[./\\@]/.test(first)) throw await unknownSuite(suites, first);
  return pairsOfModule(suites, first, choice);
}

async function pairsOfModule(
  suites: readonly NamedSuite[],
  module: string,
  { exportName, workingFolder }: Choice,
): Promise<readonly SuitePair[]> {
  if (exportName !== undefined)
    throw usageError('--export needs a suite: genie conformance SUITE MODULE --export NAME');
  const exported = await loadModule(module, workingFolder);
  const pairs = suites.flatMap((suite) => {
    const create = exported[camelCase(suite.name)];
    return typeof create === 'function' ? [{ suite, create: create as SuitePair['create'] }] : [];
  });
  if (pairs.length > 0) return pairs;
  const names = suites.map((one) => camelCase(one.name)).join(', ');
  throw usageError(
    `${module} exports no function that is named after a suite. It exports: ${Object.keys(exported).join(', ') || 'nothing'}. Known names: ${names}.`,
  );
}

function camelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_all, letter: string) => letter.toUpperCase());
}

async function unknownSuite(suites: readonly NamedSuite[], name: string): Promise<Error> {
  const { didYouMean } = await import('../cli/suggest.ts');
  const names = suites.map((one) => one.name);
  return usageError(`There is no suite "${name}".${didYouMean(name, names)} Known: ${names.join(', ')}.`);
}
