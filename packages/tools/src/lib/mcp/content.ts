import type { JsonObject, JsonValue } from '@genie/core';

/** What a resource holds: text, or bytes in base64. */
export interface McpResourceContent {
  readonly uri: string;
  readonly mimeType?: string;
  readonly text?: string;
  /** Base64. */
  readonly blob?: string;
}

/** One block of a result or a message. `data` is base64. */
export type McpContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'audio'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource'; readonly resource: McpResourceContent }
  | { readonly type: 'resource_link'; readonly uri: string; readonly name: string; readonly mimeType?: string };

/** What a tool call answers. `isError` marks a failure that the model may see and repair. */
export interface McpToolResult {
  readonly content: readonly McpContent[];
  readonly structuredContent?: JsonObject;
  readonly isError?: boolean;
}

export interface McpMessage {
  readonly role: 'user' | 'assistant';
  readonly content: McpContent;
}

/** A text block. */
export function textContent(text: string): McpContent {
  return { type: 'text', text };
}

/** A result of one text. */
export function textResult(text: string): McpToolResult {
  return { content: [textContent(text)] };
}

/** A failed call, as the model sees it. */
export function errorResult(message: string): McpToolResult {
  return { content: [textContent(message)], isError: true };
}

/** The result of any tool of a genie: text as it is, everything else as JSON, objects as structured content too. */
export function valueToToolResult(value: unknown): McpToolResult {
  if (value === undefined || value === null) return textResult('');
  if (typeof value === 'string') return textResult(value);
  const text = JSON.stringify(value, undefined, 2) ?? '';
  if (typeof value !== 'object' || Array.isArray(value)) return textResult(text);
  return { content: [textContent(text)], structuredContent: JSON.parse(text) as JsonObject };
}

/** True for an object that is no array. */
export function isRecord(value: unknown): value is Readonly<Record<string, JsonValue | undefined>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
