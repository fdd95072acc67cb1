import path from 'node:path';
import { applyAdjustment } from '../adjustments/settings.ts';
import { settingsFile } from '../adjustments/settings-file.ts';
import type { ExperimentChange } from './experiment.ts';
import { applyEdits, checkEdits } from './file-edits.ts';

/** Makes the change in a copy. */
export async function applyChange(folder: string, change: ExperimentChange): Promise<void> {
  if (change.kind === 'files') {
    applyEdits(folder, change.edits);
    return;
  }
  const file = change.settingsFile ?? 'genie.json';
  checkEdits(folder, [{ path: file, content: '' }]);
  const target = settingsFile(path.join(folder, file));
  await target.write(applyAdjustment(await target.read(), change.proposal.adjustment));
}
