import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isHome } from './homes-folder.ts';

export interface NamedHome {
  readonly name: string;
  readonly home: string;
}

/** The homes in a folder, by name. The folder may itself be one home, as in a container. Empty when it is missing. */
export function listHomes(folder: string): readonly NamedHome[] {
  if (isHome(folder)) return [{ name: basename(folder), home: folder }];
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => isHome(join(folder, name)))
    .sort()
    .map((name) => ({ name, home: join(folder, name) }));
}
