import { existsSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { CommandContext } from '../cli/command.ts';
import { didYouMean } from '../cli/suggest.ts';
import { usageError } from '../cli/usage-error.ts';
import { homesFolder, isHome } from './homes-folder.ts';
import { listHomes, type NamedHome } from './list-homes.ts';

export interface FoundHome extends NamedHome {
  /** The positionals after the name. */
  readonly rest: readonly string[];
}

/** Names of genies: a folder's name without anything that a shell or a path could take for more. */
export const genieName = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/**
 * Finds the genie that is meant: `--home DIR`, else the first positional when it is a name, else the only genie there is.
 * Throws `GENIE_HOME_MISSING` (there is none, or none of that name) and `GENIE_CLI_USAGE` (several, none named).
 */
export function findHome(context: CommandContext, options: { readonly nameIsOptional?: boolean } = {}): FoundHome {
  const { flags, positionals, environment, workingFolder } = context;
  const named = flags.text('home');
  if (named !== undefined) {
    const home = isAbsolute(named) ? named : resolve(workingFolder, named);
    if (!isHome(home)) throw noHome(home);
    return { name: basename(home), home, rest: positionals };
  }
  const folder = homesFolder(environment);
  const homes = listHomes(folder);
  const [first, ...rest] = positionals;
  const known = homes.find(({ name }) => name === first);
  if (known) return { ...known, rest };
  const [only] = homes;
  if (only === undefined) throw noGenie(folder, first);
  const isOther = first !== undefined && options.nameIsOptional !== true;
  if (homes.length === 1 && !isOther) return { ...only, rest: positionals };
  const names = homes.map(({ name }) => name);
  if (first === undefined)
    throw usageError(`There are ${homes.length} genies in ${folder}: ${names.join(', ')}. Name one.`);
  throw new GenieError(
    'GENIE_HOME_MISSING',
    `There is no genie "${first}" in ${folder}.${didYouMean(first, names)} Known: ${names.join(', ')}.`,
  );
}

/** The homes that are meant by `--home`, by names, or all of them. */
export function findHomes(context: CommandContext): readonly NamedHome[] {
  if (context.flags.text('home') !== undefined) return [findHome(context)];
  if (context.positionals.length === 0) return listHomes(homesFolder(context.environment));
  return context.positionals.map((name) => findHome({ ...context, positionals: [name] }));
}

function noHome(home: string): GenieError {
  const why = existsSync(home) ? 'has no genie.json' : 'does not exist';
  return new GenieError(
    'GENIE_HOME_MISSING',
    `--home ${home} ${why}. Make a genie there with: genie new --home ${home}`,
  );
}

function noGenie(folder: string, name: string | undefined): GenieError {
  const what = name === undefined ? 'There is no genie' : `There is no genie "${name}", nor any other,`;
  return new GenieError(
    'GENIE_HOME_MISSING',
    `${what} in ${folder}. Make one with: genie new --goal "…" --source PATH_OR_URL`,
  );
}

/** Where a new genie would live. Throws `GENIE_CLI_USAGE` for a bad name and `GENIE_CLI_EXISTS` when there is one. */
export function placeHome(context: CommandContext, name: string): NamedHome {
  const { flags, environment, workingFolder } = context;
  const named = flags.text('home');
  if (named === undefined && !genieName.test(name)) {
    throw usageError(
      `--name is ${JSON.stringify(name)}: use letters, digits, dots, dashes and underscores, at most 64.`,
    );
  }
  const home = named === undefined ? join(homesFolder(environment), name) : resolve(workingFolder, named);
  const asked = flags.text('name');
  if (named !== undefined && asked !== undefined && asked !== basename(home)) {
    throw usageError(
      `--home ${named} names the genie "${basename(home)}", --name says "${asked}". Leave one of them out.`,
    );
  }
  if (isHome(home)) {
    throw new GenieError(
      'GENIE_CLI_EXISTS',
      `${home} is the home of a genie already. Use another --name, or delete it with: genie delete ${name}`,
    );
  }
  return { name: named === undefined ? name : basename(home), home };
}
