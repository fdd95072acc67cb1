import type { RunHandle, RunOutcome } from '@genie/core';
import type { OpenGenie } from '../../compose.ts';
import { createRunView } from '../../print/run-view.ts';
import type { CommandContext } from '../cli/command.ts';
import { askDecisions } from './ask-decisions.ts';

export interface ConductOptions {
  readonly context: Pick<CommandContext, 'terminal' | 'signal'>;
  readonly open: OpenGenie;
  readonly start: () => RunHandle | Promise<RunHandle>;
  /** Asks on this terminal when the run waits, and goes on with it. */
  readonly ask: boolean;
}

/** Shows a run until it ends, waits for somebody else, or is cancelled. */
export async function conductRun({ context, open, start, ask }: ConductOptions): Promise<RunOutcome> {
  const { terminal, signal } = context;
  let outcome = await follow(await start(), context);
  while (outcome.status === 'waiting' && ask && !signal.aborted) {
    if (!(await askDecisions(terminal, open.approvals, outcome.approvalIds ?? []))) break;
    outcome = await follow(await open.resume(outcome.runId, { signal }), context);
  }
  return outcome;
}

async function follow(handle: RunHandle, { terminal, signal }: ConductOptions['context']): Promise<RunOutcome> {
  const cancel = (): void => handle.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const view = createRunView(terminal);
  try {
    for await (const event of handle) view.show(event);
    return await handle.outcome;
  } finally {
    view.end();
    signal.removeEventListener('abort', cancel);
  }
}
