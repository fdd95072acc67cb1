import type { LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider';
import { parseJson } from '@genie/core/ports';
import { z } from 'zod';
import { kindOfStatus } from '../failure/classify-failure.ts';
import { toModelError } from '../failure/model-failure.ts';

const chunkSchema = z.object({
  model: z.string().optional(),
  error: z.string().optional(),
  message: z
    .object({
      content: z.string().nullish(),
      thinking: z.string().nullish(),
      tool_calls: z
        .array(
          z.object({ id: z.string().optional(), function: z.object({ name: z.string(), arguments: z.unknown() }) }),
        )
        .nullish(),
    })
    .optional(),
  done: z.boolean().optional(),
  done_reason: z.string().optional(),
  prompt_eval_count: z.number().optional(),
  eval_count: z.number().optional(),
});

export type OllamaChunk = z.infer<typeof chunkSchema>;

/** Reads one line of an answer. Throws the coded error that the line reports, or `GENIE_MODEL_BAD_OUTPUT` when it is no chunk. */
export function readChunk(line: string, id: string): OllamaChunk {
  let chunk: OllamaChunk;
  try {
    chunk = chunkSchema.parse(parseJson(line));
    if (chunk.message === undefined && chunk.error === undefined && !chunk.done) throw new Error('no message');
  } catch (error) {
    const message = `the answer holds a line that is not a chunk: ${JSON.stringify(line.slice(0, 80))}`;
    throw Object.assign(toModelError({ kind: 'bad-output', message }, id), { cause: error });
  }
  if (chunk.error !== undefined) throw toModelError({ kind: kindOfStatus(500, chunk.error), message: chunk.error }, id);
  return chunk;
}

/** Turns chunks into stream parts. One instance serves one answer. */
export class ChunkReader {
  readonly #createId: () => string;
  #open: { readonly type: 'text' | 'reasoning'; readonly id: string } | undefined;
  #blocks = 0;
  #calls = 0;

  constructor(createId: () => string) {
    this.#createId = createId;
  }

  *read(chunk: OllamaChunk): Generator<LanguageModelV4StreamPart> {
    const { content, thinking, tool_calls: calls } = chunk.message ?? {};
    if (thinking) yield* this.#delta('reasoning', thinking);
    if (content) yield* this.#delta('text', content);
    for (const call of calls ?? []) {
      yield* this.#close();
      this.#calls += 1;
      const id = call.id ?? this.#createId();
      const toolName = call.function.name;
      const input = toInput(call.function.arguments);
      yield { type: 'tool-input-start', id, toolName };
      yield { type: 'tool-input-delta', id, delta: input };
      yield { type: 'tool-input-end', id };
      yield { type: 'tool-call', toolCallId: id, toolName, input };
    }
    if (!chunk.done) return;
    yield* this.#close();
    yield { type: 'finish', usage: usageOf(chunk), finishReason: finishOf(chunk, this.#calls > 0) };
  }

  *#delta(type: 'text' | 'reasoning', delta: string): Generator<LanguageModelV4StreamPart> {
    if (this.#open?.type !== type) {
      yield* this.#close();
      this.#open = { type, id: String(this.#blocks) };
      this.#blocks += 1;
      yield { type: `${type}-start`, id: this.#open.id };
    }
    yield { type: `${type}-delta`, id: this.#open.id, delta };
  }

  *#close(): Generator<LanguageModelV4StreamPart> {
    if (!this.#open) return;
    yield { type: `${this.#open.type}-end`, id: this.#open.id };
    this.#open = undefined;
  }
}

function toInput(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? {});
}

function usageOf(chunk: OllamaChunk): LanguageModelV4Usage {
  const { prompt_eval_count: input, eval_count: output } = chunk;
  return {
    inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: output, reasoning: undefined },
  };
}

function finishOf(chunk: OllamaChunk, hasCalls: boolean): LanguageModelV4FinishReason {
  const raw = chunk.done_reason;
  if (hasCalls) return { unified: 'tool-calls', raw };
  if (raw === 'length') return { unified: 'length', raw };
  return { unified: raw === undefined || raw === 'stop' ? 'stop' : 'other', raw };
}
