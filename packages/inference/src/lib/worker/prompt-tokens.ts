import type { EngineMessage } from './engine-request.ts';
import type { LlamaLibrary, LlamaModel, Token } from './llama-library.ts';

/** Tokens of a conversation: by the model's own chat template, or as plain lines with the speaker's name when it has none. */
export function toTokens(library: LlamaLibrary, model: LlamaModel, messages: readonly EngineMessage[]): Token[] {
  if (model.fileInfo.metadata.tokenizer?.chat_template !== undefined) return byTemplate(library, model, messages);
  const text = messages.map(({ role, text: said }) => `${role}: ${said}\n`).join('');
  const tokens = model.tokenize(`${text}assistant:`, false);
  const { bos, shouldPrependBosToken } = model.tokens;
  return shouldPrependBosToken && bos !== null ? [bos, ...tokens] : tokens;
}

function byTemplate(library: LlamaLibrary, model: LlamaModel, messages: readonly EngineMessage[]): Token[] {
  const chatHistory: unknown[] = messages.map(({ role, text }) =>
    role === 'assistant' ? { type: 'model', response: [text] } : { type: role, text },
  );
  // An empty answer at the end makes the template write the beginning of the next one.
  chatHistory.push({ type: 'model', response: [] });
  return library.resolveChatWrapper(model).generateContextState({ chatHistory }).contextText.tokenize(model.tokenizer);
}
