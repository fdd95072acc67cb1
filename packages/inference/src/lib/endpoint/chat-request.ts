import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import { parseJson } from '@genie/core/ports';
import { z } from 'zod';

const textContent = z
  .union([z.string(), z.array(z.object({ type: z.string(), text: z.string().optional() }))])
  .nullish();

const messageSchema = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: textContent }),
  z.object({ role: z.literal('user'), content: textContent }),
  z.object({
    role: z.literal('assistant'),
    content: textContent,
    tool_calls: z
      .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
      .nullish(),
  }),
  z.object({ role: z.literal('tool'), content: textContent, tool_call_id: z.string() }),
]);

/** The part of a chat completions request that is understood; the rest is ignored, as other servers do. */
export const chatRequestSchema = z.object({
  model: z.string(),
  messages: z.array(messageSchema).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().nullish(),
  seed: z.int().nullish(),
  // Each is looked for after every token.
  stop: z.union([z.string(), z.array(z.string()).max(64)]).nullish(),
  tools: z
    .array(
      z.object({
        function: z.object({
          name: z.string(),
          description: z.string().nullish(),
          parameters: z.record(z.string(), z.unknown()).nullish(),
        }),
      }),
    )
    .nullish(),
  tool_choice: z
    .union([z.enum(['auto', 'none', 'required']), z.object({ function: z.object({ name: z.string() }) })])
    .nullish(),
  response_format: z
    .object({
      type: z.string(),
      json_schema: z
        .object({ name: z.string().nullish(), schema: z.record(z.string(), z.unknown()).nullish() })
        .nullish(),
    })
    .nullish(),
});

export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** The same request in the provider contract. */
export function toCallOptions(request: ChatRequest, abortSignal: AbortSignal): LanguageModelV4CallOptions {
  const maxOutputTokens = request.max_completion_tokens ?? request.max_tokens;
  const responseFormat = formatOf(request);
  const toolChoice = choiceOf(request);
  return {
    prompt: toPrompt(request.messages),
    abortSignal,
    ...(maxOutputTokens == null ? {} : { maxOutputTokens }),
    ...(request.temperature == null ? {} : { temperature: request.temperature }),
    ...(request.top_p == null ? {} : { topP: request.top_p }),
    ...(request.seed == null ? {} : { seed: request.seed }),
    ...(request.stop == null ? {} : { stopSequences: [request.stop].flat() }),
    ...(responseFormat ? { responseFormat } : {}),
    ...(toolChoice ? { toolChoice } : {}),
    ...(request.tools == null ? {} : { tools: request.tools.map(({ function: tool }) => toTool(tool)) }),
  };
}

type Tool = NonNullable<ChatRequest['tools']>[number]['function'];

function toTool({ name, description, parameters }: Tool) {
  return {
    type: 'function' as const,
    name,
    ...(description == null ? {} : { description }),
    inputSchema: (parameters ?? { type: 'object' }) as never,
  };
}

function formatOf({ response_format: format }: ChatRequest): LanguageModelV4CallOptions['responseFormat'] {
  if (format?.type === 'json_object') return { type: 'json' };
  if (format?.type !== 'json_schema') return undefined;
  const { name, schema } = format.json_schema ?? {};
  return { type: 'json', ...(name == null ? {} : { name }), ...(schema == null ? {} : { schema: schema as never }) };
}

function choiceOf({ tool_choice: choice }: ChatRequest): LanguageModelV4CallOptions['toolChoice'] {
  if (choice == null) return undefined;
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.function.name };
}

function toPrompt(messages: ChatRequest['messages']): LanguageModelV4Message[] {
  const toolNames = new Map<string, string>();
  return messages.map((message): LanguageModelV4Message => {
    const text = textOf(message.content);
    switch (message.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: text };
      case 'user':
        return { role: 'user', content: [{ type: 'text', text }] };
      case 'assistant': {
        const calls = (message.tool_calls ?? []).map(({ id, function: call }) => {
          toolNames.set(id, call.name);
          return { type: 'tool-call' as const, toolCallId: id, toolName: call.name, input: readInput(call.arguments) };
        });
        return { role: 'assistant', content: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...calls] };
      }
      case 'tool': {
        const id = message.tool_call_id;
        const output = { type: 'text' as const, value: text };
        return {
          role: 'tool',
          content: [{ type: 'tool-result', toolCallId: id, toolName: toolNames.get(id) ?? 'unknown', output }],
        };
      }
      default:
        return message satisfies never;
    }
  });
}

function readInput(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

function textOf(content: z.infer<typeof textContent>): string {
  if (content == null) return '';
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n');
}
