import type { ModelMessage } from '../model/language-model.ts';

export interface TrimmedPrompt {
  readonly messages: readonly ModelMessage[];
  readonly droppedMessages: number;
  readonly estimatedTokens: number;
}

/**
 * Fits a prompt into a context window by leaving out its oldest steps. A step is an assistant message with the tool
 * message that answers it; the two are never separated, and what came before the first step always stays.
 */
export function fitContextWindow(messages: readonly ModelMessage[], maxTokens: number): TrimmedPrompt {
  const sizes = messages.map(estimateTokens);
  let total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= maxTokens) return { messages, droppedMessages: 0, estimatedTokens: total };
  const first = messages.findIndex((message) => message.role === 'assistant');
  if (first < 0) return { messages, droppedMessages: 0, estimatedTokens: total };
  let keepFrom = first;
  while (total > maxTokens) {
    const next = nextStep(messages, keepFrom);
    // The newest step stays, whatever its size: without it the model would repeat it.
    if (next >= messages.length) break;
    for (let index = keepFrom; index < next; index += 1) total -= sizes[index] as number;
    keepFrom = next;
  }
  const droppedMessages = keepFrom - first;
  if (droppedMessages === 0) return { messages, droppedMessages: 0, estimatedTokens: total };
  const note: ModelMessage = {
    role: 'user',
    content: [{ type: 'text', text: `[${droppedMessages} earlier messages of this run are left out here to fit the context window.]` }],
  };
  return {
    messages: [...messages.slice(0, first), note, ...messages.slice(keepFrom)],
    droppedMessages,
    estimatedTokens: total + estimateTokens(note),
  };
}

/** Index of the next message that may start a prompt: not a tool message. */
function nextStep(messages: readonly ModelMessage[], from: number): number {
  let index = from + 1;
  while (index < messages.length && messages[index]?.role === 'tool') index += 1;
  return index;
}

/** Four characters a token, and four tokens for the frame of a message. */
function estimateTokens(message: ModelMessage): number {
  if (typeof message.content === 'string') return Math.ceil(message.content.length / 4) + 4;
  let characters = 0;
  for (const part of message.content) {
    if (part.type === 'text' || part.type === 'reasoning') characters += part.text.length;
    else if (part.type === 'tool-call') characters += part.toolName.length + JSON.stringify(part.input).length;
    else if (part.type === 'tool-result') characters += JSON.stringify(part.output).length;
  }
  return Math.ceil(characters / 4) + 4;
}
