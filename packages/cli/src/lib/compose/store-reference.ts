import type { Environment } from '@genie/inference';
import type { CommandContext } from '../cli/command.ts';
import { usageError } from '../cli/usage-error.ts';

/** Where a user said that a genie keeps what it knows, beside what its `genie.json` says. */
export interface StoreChoice {
  readonly environment: Environment;
  /** `--store`: `postgres://…`, `env:NAME` (a variable that holds such an address) or `home`. */
  readonly store?: string | undefined;
}

export function storeChoice({ environment, flags }: Pick<CommandContext, 'environment' | 'flags'>): StoreChoice {
  return { environment, store: flags.text('store') };
}

/** What `genie.json` may say: an address could hold a password, so a home only names the variable. */
export const storeSetting = /^(?:home|env:[A-Za-z_][A-Za-z0-9_]*)$/;

const defaultStore = 'env:GENIE_STORE';

/**
 * The address of the database, or undefined for the files of the home. What is nearest to the command counts: `--store`, then `genie.json`, then
 * the variable GENIE_STORE. Throws `GENIE_CLI_USAGE` for a variable that is not set and for addresses of another kind.
 */
export function storeUrl({ store, environment }: StoreChoice, setting: string | undefined): string | undefined {
  const [said, reference] =
    store !== undefined
      ? ['--store', store]
      : setting !== undefined
        ? ['"store" in genie.json', setting]
        : ['GENIE_STORE in the environment', hasDefault(environment) ? defaultStore : 'home'];
  if (reference === 'home') return undefined;
  const [, variable] = /^env:(\w+)$/.exec(reference) ?? [];
  const url = variable === undefined ? reference : environment[variable];
  if (variable !== undefined && (url === undefined || url === ''))
    throw usageError(
      `${said} is env:${variable}, and the variable ${variable} is not set. Set it to postgres://…, or pass --store.`,
    );
  if (url !== undefined && /^postgres(?:ql)?:\/\//.test(url)) return url;
  throw usageError(
    `${said} takes a URL that begins with postgres://, env:NAME for a variable that holds one, or home.`,
  );
}

/** What a new home writes down, so that the next command finds the same place. Addresses are not written: they may hold passwords. */
export function settingOf({ store, environment }: StoreChoice): string | undefined {
  if (store !== undefined) return storeSetting.test(store) ? store : undefined;
  return hasDefault(environment) ? defaultStore : undefined;
}

/** The same choice as words of the next command line. An address is not repeated: it may hold a password. */
export function storeWords({ store }: Pick<StoreChoice, 'store'>): string {
  if (store === undefined) return '';
  return ` --store ${storeSetting.test(store) ? store : 'postgres://…'}`;
}

function hasDefault({ GENIE_STORE }: Environment): boolean {
  return GENIE_STORE !== undefined && GENIE_STORE !== '';
}
