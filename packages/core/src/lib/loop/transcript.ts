import type { ErrorRecord } from '../genie-error.ts';
import type { AnswerPart } from '../journal/journal.ts';
import type { JsonValue } from '../json.ts';
import { parseJson } from '../json.ts';
import type { ModelMessage } from '../model/language-model.ts';

/** A message a caller starts a loop with. */
export interface LoopMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** How a tool call ended, as the model will see it. */
export type CallOutcome =
  | { readonly status: 'completed'; readonly output: JsonValue }
  | { readonly status: 'failed'; readonly error: ErrorRecord }
  | { readonly status: 'denied'; readonly error: ErrorRecord };

/** A finished call in the transcript. */
export interface FinishedCall {
  readonly callId: string;
  readonly tool: string;
  readonly outcome: CallOutcome;
  /** The result as text: its length is what the model reads. */
  readonly outputText: string;
}

/**
 * The conversation as the model sees it, grown by one answer and its results at a time. A step costs what the step
 * adds, however long the run is.
 */
export class Transcript {
  readonly messages: ModelMessage[] = [];
  /** Estimated tokens of each message, its frame included. */
  readonly tokens: number[] = [];
  /** Characters in all messages; four of them count as one token. */
  characters = 0;

  constructor(start: readonly LoopMessage[]) {
    for (const message of start) {
      this.#push(
        message.role === 'system'
          ? { role: 'system', content: message.content }
          : { role: message.role, content: [{ type: 'text', text: message.content }] },
        message.content.length,
      );
    }
  }

  get estimatedTokens(): number {
    return Math.ceil(this.characters / 4);
  }

  // Lists of their exact length: a list that grows has room for sixteen more, and a thousand runs at once hold many.
  addAnswer(parts: readonly AnswerPart[]): void {
    let characters = 0;
    const content = parts.map((part): AssistantPart => {
      if (part.type !== 'call') {
        characters += part.text.length;
        return part.metadata
          ? { type: part.type, text: part.text, providerOptions: part.metadata as never }
          : { type: part.type, text: part.text };
      }
      characters += part.input.length + part.tool.length;
      const call = {
        type: 'tool-call',
        toolCallId: part.id,
        toolName: part.tool,
        input: readInput(part.input),
      } as const;
      return part.metadata ? { ...call, providerOptions: part.metadata as never } : call;
    });
    this.#push({ role: 'assistant', content }, characters);
  }

  addResults(calls: readonly FinishedCall[]): void {
    let characters = 0;
    const content = calls.map(({ callId, tool, outcome, outputText }) => {
      characters += outputText.length + tool.length;
      return {
        type: 'tool-result',
        toolCallId: callId,
        toolName: tool,
        output: toModelOutput(outcome),
      } as const;
    });
    this.#push({ role: 'tool', content }, characters);
  }

  #push(message: ModelMessage, characters: number): void {
    this.messages.push(message);
    this.tokens.push(Math.ceil(characters / 4) + frameTokens);
    this.characters += characters;
  }
}

type AssistantPart = Extract<ModelMessage, { role: 'assistant' }>['content'][number];

/** What a message costs beside its text. */
export const frameTokens = 4;

type ModelToolOutput = Extract<
  Extract<ModelMessage, { role: 'tool' }>['content'][number],
  { type: 'tool-result' }
>['output'];

function toModelOutput(outcome: CallOutcome): ModelToolOutput {
  switch (outcome.status) {
    case 'completed':
      return typeof outcome.output === 'string'
        ? { type: 'text', value: outcome.output }
        : { type: 'json', value: outcome.output as never };
    case 'failed':
      return { type: 'error-text', value: `${outcome.error.code}: ${outcome.error.message}` };
    case 'denied':
      return { type: 'execution-denied', reason: outcome.error.message };
    default:
      return outcome satisfies never;
  }
}

/** Providers expect an object; broken JSON goes back as the text it was, in an object. */
function readInput(input: string): unknown {
  try {
    return input === '' ? {} : parseJson(input);
  } catch {
    return { unreadable: input };
  }
}
