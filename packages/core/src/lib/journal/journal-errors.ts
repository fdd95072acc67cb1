import { GenieError } from '../genie-error.ts';

/** The error of a second holder of one run. */
export function runIsOpen(runId: string): GenieError {
  return new GenieError(
    'GENIE_RUN_OPEN',
    `Run "${runId}" is being written by another holder. Wait for it or cancel it first.`,
    { details: { runId } },
  );
}

/** The error of a run whose records have a gap. */
export function damagedRun(runId: string, directory: string): GenieError {
  return new GenieError(
    'GENIE_JOURNAL_DAMAGED',
    `Run "${runId}" in ${directory} has lost records in its middle (bit rot or an edited file). It cannot be resumed safely; inspect it with "genie show" and start a new run.`,
    { details: { runId } },
  );
}
