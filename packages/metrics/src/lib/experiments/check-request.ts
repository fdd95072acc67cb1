import { realpathSync } from 'node:fs';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { ExperimentRequest } from './experiment.ts';
import { checkEdits } from './file-edits.ts';

/** Throws `GENIE_EXPERIMENT_REQUEST` or `GENIE_EXPERIMENT_CHANGE` for what cannot work, before anything is copied. */
export function checkRequest(dir: string, request: ExperimentRequest): void {
  const fail = (why: string): never => {
    throw new GenieError('GENIE_EXPERIMENT_REQUEST', `Experiment "${request.title}": ${why}.`);
  };
  if (request.cases.length === 0) fail('it has no cases; name the runs to replay or one name per repetition');
  if (new Set(request.cases).size !== request.cases.length) fail('a case is named twice');
  if (request.kpis.length === 0) fail('it has no KPIs, so nothing could be compared');
  let folder = '';
  try {
    folder = realpathSync(request.folder);
  } catch {
    fail(`the folder ${request.folder} does not exist`);
  }
  const relative = path.relative(folder, dir);
  if (relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative))) {
    fail(
      `the experiments folder ${dir} lies inside ${folder}, so copies would contain themselves; open experiments elsewhere`,
    );
  }
  if (request.change.kind === 'files') checkEdits(folder, request.change.edits);
}
