import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolResultPart,
  SharedV4Warning,
} from '@ai-sdk/provider';

/** A message of Ollama's chat API (https://github.com/ollama/ollama/blob/main/docs/api.md). */
interface OllamaMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly thinking?: string;
  readonly images?: readonly string[];
  readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: unknown } }[];
  readonly tool_name?: string;
}

/** The body of `POST /api/chat` for a call of the provider contract, and what of the call Ollama has no form for. */
export function toOllamaRequest(
  modelId: string,
  options: LanguageModelV4CallOptions,
  settings: { readonly stream: boolean; readonly contextTokens: number },
): { body: Readonly<Record<string, unknown>>; warnings: SharedV4Warning[] } {
  const warnings: SharedV4Warning[] = [];
  const tools = toTools(options, warnings);
  const format = options.responseFormat?.type === 'json' ? (options.responseFormat.schema ?? 'json') : undefined;
  return {
    body: {
      model: modelId,
      stream: settings.stream,
      messages: options.prompt.flatMap((message) => toMessages(message, warnings)),
      ...(tools.length > 0 ? { tools } : {}),
      ...(format === undefined ? {} : { format }),
      ...thinkOf(options),
      options: defined({
        num_ctx: settings.contextTokens,
        num_predict: options.maxOutputTokens,
        temperature: options.temperature,
        top_p: options.topP,
        top_k: options.topK,
        seed: options.seed,
        stop: options.stopSequences,
        presence_penalty: options.presencePenalty,
        frequency_penalty: options.frequencyPenalty,
      }),
    },
    warnings,
  };
}

function thinkOf(options: LanguageModelV4CallOptions): { think?: boolean } {
  if (options.reasoning === undefined || options.reasoning === 'provider-default') return {};
  return { think: options.reasoning !== 'none' };
}

function toTools(options: LanguageModelV4CallOptions, warnings: SharedV4Warning[]): readonly unknown[] {
  const choice = options.toolChoice;
  if (choice?.type === 'none') return [];
  if (choice?.type === 'required') warnings.push({ type: 'unsupported', feature: 'toolChoice required' });
  return (options.tools ?? []).flatMap((tool) => {
    if (tool.type === 'provider') {
      warnings.push({ type: 'unsupported', feature: `provider tool ${tool.id}` });
      return [];
    }
    // Ollama cannot be told to call a tool; offering only that one is the nearest thing.
    if (choice?.type === 'tool' && choice.toolName !== tool.name) return [];
    const { name, description = '', inputSchema } = tool;
    return [{ type: 'function', function: { name, description, parameters: inputSchema } }];
  });
}

function toMessages(message: LanguageModelV4Message, warnings: SharedV4Warning[]): readonly OllamaMessage[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.content }];
    case 'user':
      return [toUserMessage(message.content, warnings)];
    case 'assistant':
      return [toAssistantMessage(message.content)];
    case 'tool':
      return message.content.flatMap((part) =>
        part.type === 'tool-result'
          ? [{ role: 'tool' as const, content: outputText(part.output), tool_name: part.toolName }]
          : [],
      );
    default:
      return message satisfies never;
  }
}

function toUserMessage(
  parts: Extract<LanguageModelV4Message, { role: 'user' }>['content'],
  warnings: SharedV4Warning[],
): OllamaMessage {
  const texts: string[] = [];
  const images: string[] = [];
  for (const part of parts) {
    if (part.type === 'text') texts.push(part.text);
    else if (part.data.type === 'data' && part.mediaType.startsWith('image')) {
      images.push(typeof part.data.data === 'string' ? part.data.data : Buffer.from(part.data.data).toString('base64'));
    } else if (part.data.type === 'text') texts.push(part.data.text);
    else warnings.push({ type: 'unsupported', feature: `file part ${part.mediaType}` });
  }
  return { role: 'user', content: texts.join('\n'), ...(images.length > 0 ? { images } : {}) };
}

function toAssistantMessage(parts: Extract<LanguageModelV4Message, { role: 'assistant' }>['content']): OllamaMessage {
  const content = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const thinking = parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call' ? [{ function: { name: part.toolName, arguments: part.input } }] : [],
  );
  return {
    role: 'assistant',
    content,
    ...(thinking === '' ? {} : { thinking }),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

function outputText(output: LanguageModelV4ToolResultPart['output']): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value);
    case 'execution-denied':
      return output.reason ?? 'The call was denied.';
    case 'content':
      return output.value.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
    default:
      return output satisfies never;
  }
}

function defined(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
