import type { ModelMessage } from '../model/language-model.ts';
import { frameTokens, type Transcript } from './transcript.ts';

export interface TrimmedPrompt {
  readonly messages: readonly ModelMessage[];
  readonly droppedMessages: number;
  readonly estimatedTokens: number;
}

/**
 * Fits a prompt into a context window by leaving out its oldest steps. A step is an assistant message with the tool
 * message that answers it; the two are never separated, and what came before the first step always stays.
 */
export function fitContextWindow(
  { messages, tokens }: Pick<Transcript, 'messages' | 'tokens'>,
  maxTokens: number,
): TrimmedPrompt {
  let total = tokens.reduce((sum, size) => sum + size, 0);
  if (total <= maxTokens) return { messages, droppedMessages: 0, estimatedTokens: total };
  const first = messages.findIndex((message) => message.role === 'assistant');
  if (first < 0) return { messages, droppedMessages: 0, estimatedTokens: total };
  let keepFrom = first;
  while (total > maxTokens) {
    const next = nextStep(messages, keepFrom);
    // The newest step stays, whatever its size: without it the model would repeat it.
    if (next >= messages.length) break;
    for (let index = keepFrom; index < next; index += 1) total -= tokens[index] as number;
    keepFrom = next;
  }
  const droppedMessages = keepFrom - first;
  if (droppedMessages === 0) return { messages, droppedMessages: 0, estimatedTokens: total };
  const text = `[${droppedMessages} earlier messages of this run are left out here to fit the context window.]`;
  const note: ModelMessage = { role: 'user', content: [{ type: 'text', text }] };
  return {
    messages: [...messages.slice(0, first), note, ...messages.slice(keepFrom)],
    droppedMessages,
    estimatedTokens: total + Math.ceil(text.length / 4) + frameTokens,
  };
}

/** Index of the next message that may start a prompt: not a tool message. */
function nextStep(messages: readonly ModelMessage[], from: number): number {
  let index = from + 1;
  while (index < messages.length && messages[index]?.role === 'tool') index += 1;
  return index;
}
