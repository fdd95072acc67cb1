import { describeThrown } from '../genie-error.ts';
import type { JsonValue } from '../json.ts';
import { interrupted } from './abort-guard.ts';
import type { LoopContext } from './loop-context.ts';
import type { CallOutcome } from './transcript.ts';

export interface StoredOutcome {
  readonly outcome: CallOutcome;
  readonly outputText: string;
}

/**
 * Gives an outcome the form that is journaled and shown to the model: plain JSON within the size limit. A result that
 * is no JSON (a cycle, a BigInt, a function) is a failed call; one that is too long is cut and, if possible, kept whole elsewhere.
 */
export function storeOutput(
  loop: LoopContext,
  callId: string,
  outcome: CallOutcome,
): StoredOutcome | Promise<StoredOutcome> {
  if (outcome.status !== 'completed') return { outcome, outputText: `${outcome.error.code}: ${outcome.error.message}` };
  const { output } = outcome;
  if (typeof output === 'string' && output.length <= loop.limits.maxOutputCharacters)
    return { outcome, outputText: output };
  if (output === undefined) return { outcome: { status: 'completed', output: null }, outputText: 'null' };
  // JSON would make `{}` of them without a word.
  if (output instanceof Map || output instanceof Set || output instanceof Error)
    return notJson(`it is a ${output.constructor.name}; return plain objects, arrays and texts`);
  let text: string | undefined;
  try {
    text = typeof output === 'string' ? output : JSON.stringify(output);
  } catch (error) {
    return notJson(describeThrown(error));
  }
  if (text === undefined) return notJson(`it is a ${typeof output}`);
  if (text.length > loop.limits.maxOutputCharacters) return cut(loop, callId, text);
  // A copy: what the tool does with its object later changes neither the transcript nor what a resumed run would see.
  return { outcome: { status: 'completed', output: copyOf(output, text) }, outputText: text };
}

/** What parsing the text gives, at a fraction of the cost for the usual result: an object of a few plain values. */
function copyOf(output: unknown, text: string): JsonValue {
  if (typeof output !== 'object' || output === null || Object.getPrototypeOf(output) !== Object.prototype)
    return JSON.parse(text) as JsonValue;
  const copy: Record<string, JsonValue> = {};
  for (const key of Object.keys(output)) {
    const value = (output as Record<string, unknown>)[key];
    const isPlain = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
    if (!isPlain || Object.is(value, -0) || key === '__proto__') return JSON.parse(text) as JsonValue;
    copy[key] = value as JsonValue;
  }
  return copy;
}

function notJson(why: string): StoredOutcome {
  const error = { code: 'GENIE_TOOL_RESULT', message: `The tool's result is not JSON: ${why}` } as const;
  return { outcome: { status: 'failed', error }, outputText: `${error.code}: ${error.message}` };
}

async function cut(loop: LoopContext, callId: string, text: string): Promise<StoredOutcome> {
  const limit = loop.limits.maxOutputCharacters;
  let where = '';
  if (loop.keepOutput) {
    // Interrupted or not, the call was made: its result is recorded, at worst cut.
    try {
      const name = await loop.guard.race(loop.keepOutput({ runId: loop.runId, callId }, text));
      where = ` The whole result is kept as ${JSON.stringify(name)}.`;
    } catch (error) {
      const why = error === interrupted ? 'the run was stopped' : describeThrown(error);
      where = ` The whole result could not be kept (${why}).`;
    }
  }
  const output: JsonValue = `${text.slice(0, limit).toWellFormed()}\n[Cut here: the result has ${text.length} characters, ${limit} are shown.${where}]`;
  return { outcome: { status: 'completed', output }, outputText: output };
}
