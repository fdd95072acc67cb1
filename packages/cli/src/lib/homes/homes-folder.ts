import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { genieFilePath } from '@genie/core/home';
import type { Environment } from '@genie/inference';

/** Where genies live, one folder each: `$GENIE_HOME`, else `~/.genie`. */
export function homesFolder(environment: Environment): string {
  const named = environment.GENIE_HOME?.trim();
  return named ? resolve(named) : join(homedir(), '.genie');
}

/** True for a folder with a `genie.json`. */
export function isHome(folder: string): boolean {
  return existsSync(genieFilePath(folder));
}
