import type { LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4Usage } from '@ai-sdk/provider';

/** What the estimate rests on; it is part of every answer's usage. */
export const usageBasis = 'estimated at 4 characters a token; the offline model has no tokenizer';

/** An estimate, said to be one in `raw.basis`: characters of the prompt, tools and schema, and of the answer, divided by four. */
export function estimateUsage(
  promptCharacters: number,
  options: Pick<LanguageModelV4CallOptions, 'tools' | 'responseFormat'>,
  content: readonly LanguageModelV4Content[],
): LanguageModelV4Usage {
  const toolCharacters = options.tools?.length ? JSON.stringify(options.tools).length : 0;
  const schemaCharacters =
    options.responseFormat?.type === 'json' && options.responseFormat.schema
      ? JSON.stringify(options.responseFormat.schema).length
      : 0;
  const input = tokens(promptCharacters + toolCharacters + schemaCharacters);
  const output = tokens(content.reduce((sum, part) => sum + charactersOf(part), 0));
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
    raw: { basis: usageBasis },
  };
}

function tokens(characters: number): number {
  return Math.ceil(characters / 4);
}

function charactersOf(part: LanguageModelV4Content): number {
  if (part.type === 'text') return part.text.length;
  return part.type === 'tool-call' ? part.toolName.length + part.input.length : 0;
}
