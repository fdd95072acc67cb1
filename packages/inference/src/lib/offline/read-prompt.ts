import type { LanguageModelV4Message, LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import type { Source, SourceKind } from '@genie/core/ports';

/** A tool call that an earlier message of the conversation holds, with its result when there is one. */
export interface PastCall {
  readonly callId: string;
  readonly tool: string;
  readonly input: unknown;
  readonly result?: LanguageModelV4ToolResultPart['output'];
}

/** Where the last run stopped reading a source. */
export interface SourceCursor {
  readonly kind: SourceKind;
  readonly location: string;
  readonly cursor: string;
}

/** What the offline model understands of a prompt. */
export interface ReadPrompt {
  readonly goal: string;
  /** What a person just asked; it goes before the goal. */
  readonly message: string | undefined;
  readonly sources: readonly Source[];
  readonly cursors: readonly SourceCursor[];
  readonly known: readonly string[];
  /** Terms that matter more than the words of the goal, e.g. `- llama.cpp`. */
  readonly lookFor: readonly string[];
  readonly plan: readonly string[];
  /** Names from a `# Tools` list, for calls that offer no tools (planning). */
  readonly toolNames: readonly string[];
  readonly calls: readonly PastCall[];
  /** UTF-16 units of all texts, for the usage estimate. */
  readonly characters: number;
}

const headings = [
  'goal',
  'sources',
  'since last time',
  'already known',
  'look for',
  'plan',
  'tools',
  'message',
] as const;
type Heading = (typeof headings)[number];

/**
 * Reads the standard prompt. Sections are Markdown headings of level one in system and user messages, each optional:
 * `# Goal`, `# Sources`, `# Since last time`, `# Already known`, `# Look for`, `# Plan`, `# Tools`, `# Message`. The first of
 * each name counts, and `# Message` takes the rest of its text, so that what a person or a source wrote opens no section.
 * A prompt without a goal section is a goal as a whole. Tool results are never searched for sections.
 */
export function readPrompt(messages: readonly LanguageModelV4Message[]): ReadPrompt {
  const sections = new Map<Heading, string>();
  const calls = new Map<string, PastCall>();
  const rest: string[] = [];
  let characters = 0;
  for (const message of messages) {
    if (message.role === 'assistant' || message.role === 'tool') {
      characters += readCalls(message, calls);
      continue;
    }
    const text = message.role === 'system' ? message.content : joinText(message.content);
    characters += text.length;
    const outside = splitSections(text, sections);
    if (message.role === 'user' && outside !== '') rest.push(outside);
  }
  return {
    goal: sections.get('goal') ?? rest[0] ?? '',
    // Beside a goal section, other texts of the user role are notes of the loop, not of a person.
    message: sections.get('message') ?? (!sections.has('goal') && rest.length > 1 ? rest.at(-1) : undefined),
    sources: listLines(sections.get('sources')).flatMap(parseSource),
    cursors: listLines(sections.get('since last time')).flatMap(parseCursor),
    known: listLines(sections.get('already known')),
    lookFor: [...(sections.get('look for') ?? '').matchAll(/^[-*]\s+(.+)$/gm)].map((match) => (match[1] ?? '').trim()),
    plan: listLines(sections.get('plan')),
    toolNames: [...(sections.get('tools') ?? '').matchAll(/^[-*]\s+`?([\w-]+)/gm)].map((match) => match[1] ?? ''),
    calls: [...calls.values()],
    characters,
  };
}

/** Puts the sections of `text` into `sections` and returns what stands before the first of them. */
function splitSections(text: string, sections: Map<Heading, string>): string {
  const outside: string[] = [];
  let lines = outside;
  let current: Heading | undefined;
  const close = () => {
    if (current !== undefined && !sections.has(current)) sections.set(current, lines.join('\n').trim());
  };
  for (const line of text.split(/\r?\n/)) {
    const title = current === 'message' ? undefined : headingOf(line);
    if (title === undefined) {
      lines.push(line);
      continue;
    }
    close();
    current = headings.find((heading) => heading === title.toLowerCase());
    lines = [];
  }
  close();
  return outside.join('\n').trim();
}

/** A Markdown heading, or the plain line that introduces a list of tools. */
function headingOf(line: string): string | undefined {
  return /^#\s+(.+?)\s*$/.exec(line)?.[1] ?? (/^tools (?:[a-z]+ ){0,3}[a-z]+:$/i.test(line) ? 'tools' : undefined);
}

function listLines(section: string | undefined): string[] {
  if (section === undefined) return [];
  return section
    .split('\n')
    .map((line) => line.replace(/^\s*(?:[-*]|\d+[.)])\s+/, '').trim())
    .filter((line) => line !== '');
}

const sourceKinds: ReadonlySet<string> = new Set<SourceKind>(['folder', 'git', 'feed', 'web', 'mcp']);

function splitKind(line: string): { kind: SourceKind; location: string; after: string } | undefined {
  const match = /^([a-z]+):\s*(.+?)(?:\s+\|\s+(.*))?$/.exec(line);
  const [, kind, location, after] = match ?? [];
  if (kind === undefined || location === undefined || !sourceKinds.has(kind)) return undefined;
  return { kind: kind as SourceKind, location, after: after ?? '' };
}

function parseSource(line: string): Source[] {
  const parts = splitKind(line);
  if (!parts) return [];
  const { kind, location, after } = parts;
  return [after === '' ? { kind, location } : { kind, location, title: after }];
}

function parseCursor(line: string): SourceCursor[] {
  const parts = splitKind(line);
  return parts && parts.after !== '' ? [{ kind: parts.kind, location: parts.location, cursor: parts.after }] : [];
}

function joinText(parts: Extract<LanguageModelV4Message, { role: 'user' }>['content']): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}

/** Collects calls and results by call id; returns the characters they hold. */
function readCalls(
  message: Extract<LanguageModelV4Message, { role: 'assistant' | 'tool' }>,
  calls: Map<string, PastCall>,
): number {
  let characters = 0;
  for (const part of message.content) {
    if (part.type === 'text') characters += part.text.length;
    else if (part.type === 'tool-call') {
      characters += JSON.stringify(part.input)?.length ?? 0;
      calls.set(part.toolCallId, { callId: part.toolCallId, tool: part.toolName, input: part.input });
    } else if (part.type === 'tool-result') {
      characters += outputCharacters(part.output);
      const call = calls.get(part.toolCallId) ?? { callId: part.toolCallId, tool: part.toolName, input: {} };
      calls.set(part.toolCallId, { ...call, result: part.output });
    }
  }
  return characters;
}

function outputCharacters(output: LanguageModelV4ToolResultPart['output']): number {
  if (output.type === 'execution-denied') return output.reason?.length ?? 0;
  return typeof output.value === 'string' ? output.value.length : (JSON.stringify(output.value)?.length ?? 0);
}
