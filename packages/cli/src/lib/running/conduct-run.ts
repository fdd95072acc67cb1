import { basename } from 'node:path';
import type { Genie, RunHandle, RunOutcome } from '@genie/core';
import type { EventOf } from '@genie/core/ports';
import type { OpenGenie } from '../../compose.ts';
import { createRunView } from '../../print/run-view.ts';
import type { CommandContext } from '../cli/command.ts';
import { askDecisions } from './ask-decisions.ts';
import { homeWords } from './home-words.ts';

export interface ConductOptions {
  readonly context: Pick<CommandContext, 'terminal' | 'signal' | 'flags'>;
  readonly open: Pick<OpenGenie, 'approvals' | 'folders' | 'resume'> & { readonly genie: Pick<Genie, 'events'> };
  readonly start: () => RunHandle | Promise<RunHandle>;
  /** Asks on this terminal when the run waits, and goes on with it. */
  readonly ask: boolean;
}

/** Shows a run until it ends, waits for somebody else, or is cancelled. */
export async function conductRun(options: ConductOptions): Promise<RunOutcome> {
  const { open, ask } = options;
  const { terminal, signal } = options.context;
  let outcome = await follow(await options.start(), options);
  while (outcome.status === 'waiting' && ask && !signal.aborted) {
    if (!(await askDecisions(terminal, open.approvals, outcome.approvalIds ?? []))) break;
    outcome = await follow(await open.resume(outcome.runId, { signal }), options);
  }
  return outcome;
}

async function follow(handle: RunHandle, { context, open }: ConductOptions): Promise<RunOutcome> {
  const { terminal, signal } = context;
  const cancel = (): void => handle.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const { root } = open.folders;
  const view = createRunView(terminal, { words: homeWords(context, { name: basename(root), home: root }) });
  // A connection that is held at the door is no step of the run, which goes on: only the bus tells about it.
  const showHeld = (event: EventOf<'approval.requested' | 'approval.decided'>): void => {
    if (event.source === 'egress' && event.runId === handle.runId) view.show(event);
  };
  const stops = [
    open.genie.events.on('approval.requested', showHeld),
    open.genie.events.on('approval.decided', showHeld),
    open.genie.events.on('model.switched', (event) => view.show(event)),
  ];
  try {
    for await (const event of handle) view.show(event);
    return await handle.outcome;
  } finally {
    for (const stop of stops) stop();
    view.end();
    signal.removeEventListener('abort', cancel);
  }
}
