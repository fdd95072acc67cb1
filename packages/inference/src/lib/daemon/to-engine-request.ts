import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  SharedV4Warning,
} from '@ai-sdk/provider';
import type { JsonSchema } from '../json-schema.ts';
import type { EngineMessage, EngineRequest } from '../worker/engine-request.ts';

/** `tools`: JSON that is either calls or a text. */
export type AnswerForm = 'text' | 'json' | 'tools';

/** Turns a call of the provider contract into an engine request: tools become a grammar and a short instruction, results become text. */
export function toEngineRequest(options: LanguageModelV4CallOptions): {
  readonly request: Omit<EngineRequest, 'layers'>;
  readonly form: AnswerForm;
  readonly warnings: SharedV4Warning[];
} {
  const warnings: SharedV4Warning[] = [];
  const tools = offeredTools(options, warnings);
  const messages = options.prompt.flatMap((message) => toMessages(message, warnings));
  const { form, schema, instruction } = answerForm(options, tools);
  return {
    request: {
      messages: instruction === undefined ? messages : withInstruction(messages, instruction),
      maxTokens: options.maxOutputTokens ?? 1_024,
      ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
      ...(options.topP === undefined ? {} : { topP: options.topP }),
      ...(options.topK === undefined ? {} : { topK: options.topK }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      ...(options.stopSequences === undefined || form !== 'text' ? {} : { stop: options.stopSequences }),
      ...(schema === undefined ? {} : { schema }),
    },
    form,
    warnings,
  };
}

function answerForm(
  options: LanguageModelV4CallOptions,
  tools: readonly LanguageModelV4FunctionTool[],
): { readonly form: AnswerForm; readonly schema?: JsonSchema; readonly instruction?: string } {
  const format = options.responseFormat;
  if (format?.type === 'json') {
    const schema = (format.schema ?? { type: 'object' }) as JsonSchema;
    return { form: 'json', schema, instruction: `Answer with JSON of this schema only: ${JSON.stringify(schema)}` };
  }
  if (tools.length === 0) return { form: 'text' };
  const mustCall = options.toolChoice?.type === 'required' || options.toolChoice?.type === 'tool';
  const instruction = [
    'You can call tools. Answer with JSON only: {"calls":[{"tool":"<name>","input":{…}}]} to call some at once, or {"text":"<Markdown>"} to answer.',
    ...tools.map(
      ({ name, description = '', inputSchema }) => `- ${name}: ${description} Input: ${JSON.stringify(inputSchema)}`,
    ),
  ].join('\n');
  return { form: 'tools', schema: toolSchema(tools, mustCall), instruction };
}

function toolSchema(tools: readonly LanguageModelV4FunctionTool[], mustCall: boolean): JsonSchema {
  const call = {
    anyOf: tools.map(
      ({ name, inputSchema }): JsonSchema => ({
        type: 'object',
        properties: { tool: { const: name }, input: inputSchema as JsonSchema },
        required: ['tool', 'input'],
      }),
    ),
  };
  const calls: JsonSchema = {
    type: 'object',
    properties: { calls: { type: 'array', items: call, minItems: 1, maxItems: 4 } },
    required: ['calls'],
  };
  const text: JsonSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
  return mustCall ? calls : { anyOf: [calls, text] };
}

function offeredTools(
  options: LanguageModelV4CallOptions,
  warnings: SharedV4Warning[],
): readonly LanguageModelV4FunctionTool[] {
  const choice = options.toolChoice;
  if (choice?.type === 'none') return [];
  return (options.tools ?? []).flatMap((tool) => {
    if (tool.type === 'provider') {
      warnings.push({ type: 'unsupported', feature: `provider tool ${tool.id}` });
      return [];
    }
    return choice?.type === 'tool' && choice.toolName !== tool.name ? [] : [tool];
  });
}

/** The system message stays first: it is the prefix whose KV is kept. */
function withInstruction(messages: readonly EngineMessage[], instruction: string): readonly EngineMessage[] {
  const [first, ...rest] = messages;
  if (first?.role === 'system') return [{ role: 'system', text: `${first.text}\n\n${instruction}` }, ...rest];
  return [{ role: 'system', text: instruction }, ...messages];
}

function toMessages(message: LanguageModelV4Message, warnings: SharedV4Warning[]): readonly EngineMessage[] {
  if (message.role === 'system') return [{ role: 'system', text: message.content }];
  const texts: string[] = [];
  for (const part of message.content) {
    if (part.type === 'text') texts.push(part.text);
    else if (part.type === 'tool-call')
      texts.push(JSON.stringify({ calls: [{ tool: part.toolName, input: part.input }] }));
    else if (part.type === 'tool-result') texts.push(`Result of ${part.toolName}: ${outputText(part.output)}`);
    else if (part.type === 'file') warnings.push({ type: 'unsupported', feature: `file part ${part.mediaType}` });
  }
  return [{ role: message.role === 'assistant' ? 'assistant' : 'user', text: texts.join('\n') }];
}

function outputText(output: { readonly type: string; readonly value?: unknown; readonly reason?: string }): string {
  if (output.type === 'execution-denied') return `denied: ${output.reason ?? ''}`;
  return typeof output.value === 'string' ? output.value : JSON.stringify(output.value);
}
