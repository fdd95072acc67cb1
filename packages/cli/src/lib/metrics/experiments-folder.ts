import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Approvals } from '@genie/core/ports';
import { type Changes, type Experiments, openExperiments } from '@genie/metrics';

/** Where the experiments of a home live: beside the homes, never inside of one, so that no copy holds copies. */
export function experimentsFolder(home: string): string {
  return join(dirname(home), '.experiments', basename(home));
}

export interface HomeExperimentsOptions {
  readonly home: string;
  readonly genieId: string;
  readonly changes: Changes;
  readonly approvals: Pick<Approvals, 'get' | 'consume'>;
}

/** The experiments of a home. Rejects with the codes of `openExperiments`. */
export function openHomeExperiments({ home, ...options }: HomeExperimentsOptions): Experiments {
  return openExperiments({ dir: experimentsFolder(home), ...options });
}

/** The same where there has been one; undefined otherwise, and nothing is made. */
export function findHomeExperiments(options: HomeExperimentsOptions): Experiments | undefined {
  return existsSync(experimentsFolder(options.home)) ? openHomeExperiments(options) : undefined;
}
