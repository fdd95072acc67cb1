import type { z } from 'zod';
import { describeThrown, GenieError } from './genie-error.ts';
import { parseJson } from './json.ts';
import { AbortGuard } from './loop/abort-guard.ts';
import { costOf } from './loop/budget.ts';
import { generateAnswer, type ModelAnswer } from './loop/call-model.ts';
import { ModelDeadline, type ModelDeadlineDeps } from './loop/model-deadline.ts';
import { addUsage, noUsage } from './loop/replay.ts';
import type { LanguageModel, ModelCallOptions } from './model/language-model.ts';
import type { Usage } from './run-record.ts';
import type { PricedModel } from './run-state.ts';

export interface JsonRequest<Schema extends z.ZodType> extends Pick<ModelDeadlineDeps, 'clock' | 'guard' | 'limits'> {
  /** Names the form for the model, e.g. `plan`. */
  readonly name: string;
  readonly schema: Schema;
  readonly jsonSchema: Record<string, unknown>;
  readonly system: string;
  readonly prompt: string;
  readonly maxOutputTokens?: number | undefined;
}

export interface JsonAnswer<Value> {
  readonly value: Value;
  readonly usage: Usage;
  readonly costUsd: number;
}

/**
 * Asks a model for JSON of a given form. An answer that does not fit goes back to it once, with what is wrong.
 * Rejects with `GENIE_MODEL_ANSWER`, and with `GENIE_MODEL_TIMEOUT` when a call takes longer than `limits.modelTimeoutMs`.
 */
export async function generateJson<Schema extends z.ZodType>(
  { model, price }: PricedModel,
  request: JsonRequest<Schema>,
): Promise<JsonAnswer<z.output<Schema>>> {
  const prompt: ModelCallOptions['prompt'] = [
    { role: 'system', content: `${request.system}\nAnswer with one JSON object and nothing else.` },
    { role: 'user', content: [{ type: 'text', text: request.prompt }] },
  ];
  let usage = noUsage;
  let problem = '';
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const answer = await askOnce(model, request, prompt);
    usage = addUsage(usage, answer.usage);
    const read = readValue(request.schema, answer.text);
    if ('value' in read) return { value: read.value, usage, costUsd: price ? costOf(usage, price) : 0 };
    problem = read.problem;
    prompt.push(
      { role: 'assistant', content: [{ type: 'text', text: answer.text || '(empty)' }] },
      {
        role: 'user',
        content: [{ type: 'text', text: `That does not fit: ${problem} Answer again with one JSON object.` }],
      },
    );
  }
  throw new GenieError(
    'GENIE_MODEL_ANSWER',
    `${model.provider}/${model.modelId} gave no usable "${request.name}": ${problem}`,
  );
}

async function askOnce<Schema extends z.ZodType>(
  model: LanguageModel,
  { name, jsonSchema, maxOutputTokens, clock, guard, limits }: JsonRequest<Schema>,
  prompt: ModelCallOptions['prompt'],
): Promise<ModelAnswer> {
  // A guard of its own: giving this call up must not give up what waits around it.
  const own = new AbortGuard(guard.signal);
  const deadline = new ModelDeadline({ clock, guard: own, limits, model });
  deadline.begin();
  try {
    const answer = generateAnswer(model, {
      prompt: [...prompt],
      responseFormat: { type: 'json', schema: jsonSchema as never, name },
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      abortSignal: own.signal,
    });
    return await own.race(answer);
  } finally {
    deadline.dispose();
    own.dispose();
  }
}

function readValue<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): { value: z.output<Schema> } | { problem: string } {
  // Models like to wrap JSON in a code fence or a sentence.
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start < 0 || end < start) return { problem: 'there is no JSON object in it.' };
  try {
    const result = schema.safeParse(parseJson(text.slice(start, end + 1)));
    if (result.success) return { value: result.data };
    const issues = result.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`);
    return { problem: `${issues.join('; ')}.` };
  } catch (error) {
    return { problem: `${describeThrown(error)}.` };
  }
}
