import type { LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import type { Source } from '@genie/core/ports';
import { parseJson } from '@genie/core/ports';
import type { PastCall } from './read-prompt.ts';

/** One thing a source holds. */
export interface Finding {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** `YYYY-MM-DD`. */
  readonly date?: string;
  readonly location: string;
  readonly author?: string;
  /** Files it touches, when the source says. */
  readonly paths: readonly string[];
  readonly source: Source;
}

/** What one source gave: findings, or the reason why it gave none. */
export interface Reading {
  readonly source: Source;
  readonly findings: readonly Finding[];
  readonly failure?: string;
  /** What the tool wants its reader to know, e.g. that the cursor was not usable. */
  readonly note?: string;
  readonly truncated: boolean;
}

/** More than this is cut, so that a huge result costs bounded time. */
const maxFindings = 2_000;
const maxTextCharacters = 20_000;

/** Reads the result of a call: our own form with `items`, any other JSON, or plain text. Never throws. */
export function readResult(source: Source, call: PastCall): Reading {
  const output = call.result;
  if (output === undefined) return failed(source, 'the call has no result');
  const failure = failureOf(output);
  if (failure !== undefined) return failed(source, failure);
  const value = contentValue(output);
  if (isRecord(value) && typeof value.error === 'object' && value.error !== null && value.items === undefined) {
    return failed(source, textOf((value.error as Record<string, unknown>).message) || 'the tool reported an error');
  }
  const titled = isRecord(value) && isRecord(value.source) ? withTitle(source, value.source.title) : source;
  const rows = rowsOf(value);
  const note = isRecord(value) ? textOf(value.note) : '';
  return {
    ...(note === '' ? {} : { note: note.slice(0, 300) }),
    source: titled,
    findings: rows.slice(0, maxFindings).flatMap((row, index) => toFinding(row, index, titled)),
    truncated: rows.length > maxFindings || (isRecord(value) && value.truncated === true),
  };
}

export function failed(source: Source, failure: string): Reading {
  return { source, findings: [], failure: failure.replace(/\s+/g, ' ').slice(0, 300), truncated: false };
}

function withTitle(source: Source, title: unknown): Source {
  return source.title === undefined && typeof title === 'string' && title !== '' ? { ...source, title } : source;
}

function failureOf(output: LanguageModelV4ToolResultPart['output']): string | undefined {
  if (output.type === 'execution-denied') return output.reason ?? 'the call was denied';
  if (output.type === 'error-text') return output.value;
  if (output.type !== 'error-json') return undefined;
  const value: unknown = output.value;
  return (isRecord(value) && textOf(value.message)) || JSON.stringify(value);
}

function contentValue(output: LanguageModelV4ToolResultPart['output']): unknown {
  if (output.type === 'json') return output.value;
  const text =
    output.type === 'text'
      ? output.value
      : output.type === 'content'
        ? output.value.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
        : '';
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** The list inside a value: itself, its `items` or another list of things, or the value as the only row. */
function rowsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isRecord(value)) return value === '' || value === null || value === undefined ? [] : [value];
  if (Array.isArray(value.items)) return value.items;
  const list = ['entries', 'commits', 'results', 'contents', 'data', 'files']
    .map((name) => value[name])
    .find((member): member is unknown[] => Array.isArray(member));
  return list ?? [value];
}

function toFinding(row: unknown, index: number, source: Source): Finding[] {
  if (typeof row === 'string' || typeof row === 'number') return [plainFinding(String(row), index, source)];
  if (!isRecord(row)) return [];
  const { text, files } = splitFiles(
    firstText(row, ['text', 'summary', 'description', 'body', 'content', 'message', 'snippet']),
  );
  const title = firstText(row, ['title', 'subject', 'name', 'heading']) || firstLine(text);
  if (title === '' && text === '') return [plainFinding(JSON.stringify(row), index, source)];
  const date = toDay(row.date ?? row.published ?? row.updated ?? row.modified ?? row.at);
  const author = isRecord(row.author) ? textOf(row.author.name) : textOf(row.author);
  return [
    {
      id: firstText(row, ['id', 'hash', 'guid', 'sha']) || `${source.location}#${index}`,
      title: title.slice(0, 500),
      text: text.slice(0, maxTextCharacters),
      location: firstText(row, ['location', 'url', 'link', 'uri', 'path']) || source.location,
      paths: [
        ...files,
        ...[row.paths, row.files, row.changed].flatMap((list) => (Array.isArray(list) ? list.map(pathOf) : [])),
      ],
      source,
      ...(date === undefined ? {} : { date }),
      ...(author === '' ? {} : { author }),
    },
  ];
}

/** Takes the list of changed files, `path (+3 -1)` a line, out of the prose. */
function splitFiles(text: string): { readonly text: string; readonly files: readonly string[] } {
  const files: string[] = [];
  const lines = text.split('\n').filter((line) => {
    const path = /^(?:\S.* -> )?(\S.*?) \((?:\+\d+ -\d+|binary)\)$/.exec(line)?.[1];
    if (path !== undefined) files.push(path);
    return path === undefined && !/^and \d+ more files$/.test(line);
  });
  return files.length === 0 ? { text, files } : { text: lines.join('\n').trim(), files };
}

function plainFinding(text: string, index: number, source: Source): Finding {
  return {
    id: `${source.location}#${index}`,
    title: firstLine(text).slice(0, 500),
    text: text.slice(0, maxTextCharacters),
    location: source.location,
    paths: [],
    source,
  };
}

function firstLine(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '');
  return (line ?? '').replace(/^#+\s*/, '').trim();
}

function pathOf(entry: unknown): string {
  return isRecord(entry) ? firstText(entry, ['path', 'file', 'name']) : textOf(entry);
}

/** The UTC day of an ISO date or of epoch ms; undefined when it is neither. */
function toDay(value: unknown): string | undefined {
  if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value)) return value.slice(0, 10);
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  // Without a zone the date would depend on the machine's.
  const zoned =
    typeof value === 'string' && !/(?:Z|[A-Z]{2,4}|[+-]\d{2}:?\d{2})\s*$/.test(value) ? `${value} UTC` : value;
  const time = typeof zoned === 'number' ? zoned : Date.parse(zoned);
  return Number.isFinite(time) && Math.abs(time) < 8.64e15 ? new Date(time).toISOString().slice(0, 10) : undefined;
}

function firstText(row: Readonly<Record<string, unknown>>, names: readonly string[]): string {
  for (const name of names) {
    const text = textOf(row[name]);
    if (text !== '') return text;
  }
  return '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
