import type { OpenGenie } from '../../compose.ts';
import type { CommandContext } from '../cli/command.ts';
import { type ExitCode, exitCodes } from '../cli/exit-codes.ts';
import { tellReview } from '../metrics/tell-review.ts';
import { conductRun } from './conduct-run.ts';
import { reportOutcome } from './report-outcome.ts';

/** Goes on with runs, one after the other. The exit code is that of the first one that did not complete. */
export async function resumeRuns(
  context: CommandContext,
  open: OpenGenie,
  options: { readonly runIds: readonly string[]; readonly words: string; readonly ask: boolean },
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  for (const runId of options.runIds) {
    const outcome = await conductRun({
      context,
      open,
      ask: options.ask,
      start: () => open.resume(runId, { signal: context.signal }),
    });
    const review = await open.review.report();
    const one = reportOutcome(context.terminal, outcome, options.words);
    tellReview(context.terminal, review, options.words);
    if (code === exitCodes.ok) code = one;
    if (context.signal.aborted) break;
  }
  return code;
}
