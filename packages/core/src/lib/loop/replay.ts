import type { JournalRecord } from '../journal/journal.ts';
import type { Usage } from '../run-record.ts';
import type { CallPart, ModelAnswer } from './call-model.ts';
import type { LoopCall } from './loop-context.ts';
import type { CallOutcome } from './transcript.ts';

/** An answer of a former process, with what became of its calls. */
export interface RecordedStep {
  readonly number: number;
  readonly answer: ModelAnswer;
  readonly costUsd: number | undefined;
  /** By call id. */
  readonly results: Map<string, Pick<LoopCall, 'outcome' | 'outputText' | 'tookMs'>>;
  readonly intents: Map<string, 'started' | 'not-done'>;
}

export interface RecordedLoop {
  readonly steps: readonly RecordedStep[];
  readonly finished: Extract<JournalRecord, { kind: 'finished' }> | undefined;
}

/** Reads a loop back from its records. Results and intents belong to the answer they follow. */
export function replayLoop(records: readonly JournalRecord[]): RecordedLoop {
  const steps: RecordedStep[] = [];
  let finished: RecordedLoop['finished'];
  for (const record of records) {
    const current = steps.at(-1);
    switch (record.kind) {
      case 'answer':
        steps.push({
          number: record.step,
          answer: toAnswer(record),
          costUsd: record.costUsd,
          results: new Map(),
          intents: new Map(),
        });
        break;
      case 'intent':
        current?.intents.set(record.callId, record.state);
        break;
      case 'result':
        current?.results.set(record.callId, toResult(record));
        break;
      case 'finished':
        finished = record;
        break;
      default:
        break;
    }
  }
  return { steps, finished };
}

function toAnswer(record: Extract<JournalRecord, { kind: 'answer' }>): ModelAnswer {
  let text = '';
  const calls: CallPart[] = [];
  for (const part of record.content) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'call') calls.push(part);
  }
  return { content: record.content, text, calls, finish: record.finish, usage: record.usage };
}

function toResult(
  record: Extract<JournalRecord, { kind: 'result' }>,
): Pick<LoopCall, 'outcome' | 'outputText' | 'tookMs'> {
  const error = record.error ?? { code: 'GENIE_TOOL_FAILED' as const, message: 'The error was not recorded.' };
  const outcome: CallOutcome =
    record.status === 'completed'
      ? { status: 'completed', output: record.output ?? null }
      : { status: record.status, error };
  const outputText =
    outcome.status !== 'completed'
      ? `${outcome.error.code}: ${outcome.error.message}`
      : typeof outcome.output === 'string'
        ? outcome.output
        : JSON.stringify(outcome.output);
  return { outcome, outputText, tookMs: record.tookMs };
}

/** Milliseconds that former processes worked, as they recorded them. Zero for loops without a time budget. */
export function workedBefore(records: readonly JournalRecord[]): number {
  const last = records.findLast((record) => record.kind === 'answer');
  return last?.workedMs ?? 0;
}

/** Adds token counts. */
export function addUsage(left: Usage, right: Usage): Usage {
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    modelCalls: left.modelCalls + right.modelCalls,
  };
}

export const noUsage: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, modelCalls: 0 };
