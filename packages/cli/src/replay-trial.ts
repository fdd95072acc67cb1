// A program for a process of its own: `genie experiment` replays each recorded run with it, in a copy of the home.
import type { TrialRequest, TrialResult } from '@genie/metrics';
import { replayRun } from './lib/metrics/replay-run.ts';

/** One recorded run again, with the settings of the copy. */
export function trial(request: Omit<TrialRequest, 'signal'>): Promise<TrialResult> {
  return replayRun(request, process.env);
}
