import type { FinishReason } from '../events/genie-event.ts';
import { type ErrorRecord, GenieError, toErrorRecord } from '../genie-error.ts';
import type { Usage } from '../run-record.ts';
import type { BudgetExcess } from './budget.ts';
import type { ModelAnswer } from './call-model.ts';
import type { LoopCall, LoopContext } from './loop-context.ts';

export interface LoopFinish {
  readonly reason: FinishReason;
  readonly error?: ErrorRecord;
  /** For `waiting`: what the user has to decide. */
  readonly approvalIds?: readonly string[];
}

export interface LoopResult {
  /** The text of the last answer. */
  readonly text: string;
  /** Model calls, recorded ones included. */
  readonly steps: number;
  readonly usage: Usage;
  /** Undefined when the model has no price. */
  readonly costUsd?: number;
  readonly finish: LoopFinish;
  readonly calls: readonly LoopCall[];
}

/** How an answer without calls ends the loop. */
export function finishOfAnswer(answer: ModelAnswer): LoopFinish {
  switch (answer.finish) {
    case 'length':
      return { reason: 'length' };
    case 'content-filter':
      return { reason: 'content-filter' };
    case 'error':
      return {
        reason: 'model-error',
        error: { code: 'GENIE_MODEL_FAILED', message: 'The model ended its answer with an error.' },
      };
    default:
      return { reason: 'stop' };
  }
}

/** How a former process recorded the end. */
export function finishOfRecord({
  reason,
  error,
}: {
  readonly reason: FinishReason;
  readonly error?: ErrorRecord;
}): LoopFinish {
  return error ? { reason, error } : { reason };
}

/** Reports that the budget is spent. */
export function finishOfExcess(loop: LoopContext, step: number, excess: BudgetExcess): LoopFinish {
  loop.emit({
    type: 'budget.exceeded',
    at: loop.clock.now(),
    source: 'core.loop',
    runId: loop.runId,
    step,
    ...excess,
  });
  const member = excess.limit === 'time' ? 'timeMs' : excess.limit;
  const message = `The budget of ${excess.allowed} ${excess.limit} is spent (${excess.used} used). Raise budget.${member} to go further.`;
  return { reason: 'budget', error: { code: 'GENIE_BUDGET_EXCEEDED', message, details: { ...excess } } };
}

/** What a journal or a tool's surroundings threw out of the loop. */
export function finishOfFailure(error: unknown): LoopFinish {
  const isJournal = GenieError.isInstance(error) && error.code.startsWith('GENIE_JOURNAL');
  return { reason: isJournal ? 'journal-error' : 'tool-error', error: toErrorRecord(error, 'GENIE_LOOP_FAILED') };
}

/**
 * Records the end where it is final, and waits until it is durable. An aborted or waiting loop goes on later, so its end is
 * not recorded. Returns the finish to report: a journal that fails now is one of its own.
 */
export async function recordFinish(
  { clock, run }: LoopContext,
  finish: LoopFinish,
  isRecorded: boolean,
): Promise<LoopFinish> {
  const { reason, error } = finish;
  const isFinal = !isRecorded && reason !== 'aborted' && reason !== 'waiting' && reason !== 'journal-error';
  try {
    if (isFinal) run?.append({ kind: 'finished', at: clock.now(), reason, ...(error ? { error } : {}) });
    await run?.settled();
    return finish;
  } catch (thrown) {
    if (reason === 'journal-error') return finish;
    return { reason: 'journal-error', error: toErrorRecord(thrown, 'GENIE_JOURNAL_FAILED') };
  }
}
