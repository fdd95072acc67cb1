import type { JsonObject } from '@genie/core';
import { isRecord, type McpContent } from '../content.ts';

/** Something that only the client's side can answer: its user, its model, its folders. */
export type McpQuestion =
  | { readonly kind: 'form'; readonly message: string; readonly schema: JsonObject }
  | { readonly kind: 'url'; readonly message: string; readonly url: string }
  | {
      readonly kind: 'sampling';
      readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: McpContent }[];
      readonly maxTokens: number;
      readonly systemPrompt?: string;
    }
  | { readonly kind: 'roots' };

export type McpAnswer =
  | { readonly kind: 'form'; readonly action: 'accept' | 'decline' | 'cancel'; readonly content: JsonObject }
  | { readonly kind: 'sampling'; readonly text: string; readonly model?: string }
  | { readonly kind: 'roots'; readonly roots: readonly { readonly uri: string; readonly name?: string }[] };

/** Thrown out of a handler whose question has no answer yet; caught by this package only. */
export class AnswersMissing extends Error {
  readonly questions: Readonly<Record<string, McpQuestion>>;

  constructor(questions: Readonly<Record<string, McpQuestion>>) {
    super('waiting for answers of the client');
    this.questions = questions;
  }
}

/** The request as it stands on the wire. */
export function questionToWire(question: McpQuestion): { readonly method: string; readonly params: JsonObject } {
  switch (question.kind) {
    case 'form':
      return {
        method: 'elicitation/create',
        params: { mode: 'form', message: question.message, requestedSchema: question.schema },
      };
    case 'url':
      return { method: 'elicitation/create', params: { mode: 'url', message: question.message, url: question.url } };
    case 'sampling':
      return {
        method: 'sampling/createMessage',
        params: {
          messages: question.messages as unknown as JsonObject[],
          maxTokens: question.maxTokens,
          ...(question.systemPrompt === undefined ? {} : { systemPrompt: question.systemPrompt }),
        },
      };
    case 'roots':
      return { method: 'roots/list', params: {} };
    default:
      return question satisfies never;
  }
}

/** What a client must have declared to be asked. */
export function neededCapability(question: McpQuestion): Readonly<Record<string, JsonObject>> {
  switch (question.kind) {
    case 'form':
      return { elicitation: {} };
    case 'url':
      return { elicitation: { url: {} } };
    case 'sampling':
      return { sampling: {} };
    case 'roots':
      return { roots: {} };
    default:
      return question satisfies never;
  }
}

/** Reads an untrusted answer. Undefined when it does not answer this question, so that the question is asked again. */
export function readAnswer(question: McpQuestion, value: unknown): McpAnswer | undefined {
  if (!isRecord(value)) return undefined;
  if (question.kind === 'roots') return readRoots(value);
  if (question.kind === 'sampling') return readSampling(value);
  const { action, content } = value;
  if (action !== 'accept' && action !== 'decline' && action !== 'cancel') return undefined;
  return { kind: 'form', action, content: isRecord(content) ? content : {} };
}

function readRoots(value: Readonly<Record<string, unknown>>): McpAnswer | undefined {
  if (!Array.isArray(value.roots)) return undefined;
  const roots = value.roots.filter(
    (root): root is { uri: string; name?: string } => isRecord(root) && typeof root.uri === 'string',
  );
  return { kind: 'roots', roots };
}

function readSampling(value: Readonly<Record<string, unknown>>): McpAnswer | undefined {
  const blocks = Array.isArray(value.content) ? value.content : [value.content];
  const texts = blocks.filter(isRecord).map((block) => block.text);
  const text = texts.filter((part): part is string => typeof part === 'string').join('');
  if (value.role !== 'assistant' && text === '') return undefined;
  return { kind: 'sampling', text, ...(typeof value.model === 'string' ? { model: value.model } : {}) };
}
