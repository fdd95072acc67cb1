import { type LanguageModel, parseJson } from '@genie/core/ports';
import type { z } from 'zod';

const maxTimeMs = 180_000;

/** What a call cost, in tokens. */
export interface CallUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** One model call that must answer with JSON of a schema. Throws a plain error when the answer is something else, or takes over 3 minutes. */
export async function askModelForJson<Schema extends z.ZodType>(request: {
  readonly model: LanguageModel;
  readonly system: string;
  readonly prompt: string;
  readonly schema: Schema;
  readonly signal: AbortSignal | undefined;
}): Promise<{ readonly value: z.infer<Schema>; readonly usage: CallUsage }> {
  const { model, system, prompt, schema, signal } = request;
  const limit = AbortSignal.timeout(maxTimeMs);
  const result = await model.doGenerate({
    prompt: [
      { role: 'system', content: system },
      { role: 'user', content: [{ type: 'text', text: prompt }] },
    ],
    responseFormat: { type: 'json' },
    temperature: 0,
    abortSignal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  });
  const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const parsed = schema.safeParse(parseJson(cutJson(text)));
  if (parsed.success) {
    const { inputTokens, outputTokens } = result.usage;
    return {
      value: parsed.data,
      usage: { inputTokens: inputTokens.total ?? 0, outputTokens: outputTokens.total ?? 0 },
    };
  }
  const issue = parsed.error.issues[0];
  throw new Error(`the model's answer does not fit: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** Models like to wrap JSON in a fence or a sentence. */
function cutJson(text: string): string {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start === -1 || end < start) throw new Error(`the model answered without JSON: ${text.slice(0, 200)}`);
  return text.slice(start, end + 1);
}
