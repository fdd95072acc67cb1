import type {
  LanguageModelV4 as LanguageModel,
  LanguageModelV4GenerateResult as ModelGenerateResult,
  LanguageModelV4StreamPart as ModelStreamPart,
} from '@ai-sdk/provider';
import { defineTool } from '@genie/core/loop';
import type { ToolEffect } from '@genie/core/ports';
import { z } from 'zod';

/** Steps with a tool call in a run of the workload; one more answer ends it. */
export const toolSteps = 20;

const usage = {
  inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 20, text: 20, reasoning: 0 },
};

function answerOf(step: number, steps: number): ModelGenerateResult {
  const isLast = step >= steps;
  const unified = isLast ? 'stop' : 'tool-calls';
  return {
    content: isLast
      ? [{ type: 'text', text: 'done' }]
      : [
          {
            type: 'tool-call',
            toolCallId: `call-${step}`,
            toolName: 'look-up',
            input: `{"key":"item-${step}","page":${step}}`,
          },
        ],
    finishReason: { unified, raw: unified },
    usage,
    warnings: [],
  };
}

export interface WorkloadOptions {
  readonly steps?: number;
  /** Milliseconds a call takes. Default none: the answer is there at once. */
  readonly delayMs?: number;
  /** Called when the model is called. */
  readonly onCall?: () => void;
}

/** A model that calls a tool in each answer and then ends. How far a run is, it reads from the prompt: one model serves many runs. */
export function workloadModel({ steps = toolSteps, delayMs = 0, onCall }: WorkloadOptions = {}): LanguageModel {
  const stepOf = (messages: number) => (messages - 1) / 2;
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: 'zero',
    supportedUrls: {},
    async doGenerate({ prompt }) {
      onCall?.();
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      return answerOf(stepOf(withoutSystem(prompt)), steps);
    },
    async doStream({ prompt }) {
      onCall?.();
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      return { stream: streamOf(answerOf(stepOf(withoutSystem(prompt)), steps)) };
    },
  };
}

function withoutSystem(prompt: readonly { readonly role: string }[]): number {
  return prompt[0]?.role === 'system' ? prompt.length - 1 : prompt.length;
}

/** An answer as a provider streams it. */
export function streamOf(answer: ModelGenerateResult): ReadableStream<ModelStreamPart> {
  const parts: ModelStreamPart[] = [{ type: 'stream-start', warnings: [] }];
  for (const part of answer.content) {
    if (part.type === 'text')
      parts.push(
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: part.text },
        { type: 'text-end', id: '1' },
      );
    else if (part.type === 'tool-call') parts.push(part);
  }
  parts.push({ type: 'finish', finishReason: answer.finishReason, usage: answer.usage });
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

export const lookUpInput = z.object({ key: z.string(), page: z.number() });

/** The tool of the workload: an answer of about 80 characters that differs from step to step. */
export function lookUp({ key, page }: z.output<typeof lookUpInput>) {
  return { key, page, title: 'An entry of the catalogue', found: true };
}

export function lookUpTool(effect: ToolEffect = 'idempotent') {
  return defineTool({ name: 'look-up', description: 'Looks an entry up.', input: lookUpInput, effect, run: lookUp });
}
