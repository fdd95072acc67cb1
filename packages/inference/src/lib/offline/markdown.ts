import type { Source } from '@genie/core/ports';
import type { Finding } from './findings.ts';

/** One line of prose for a Markdown list: no line breaks, no control characters, no brackets that could pose as a link. */
export function plainLine(text: string, maxCharacters = 280): string {
  const flat = text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return cut(flat, maxCharacters).replace(/[[\]<>`]/g, '\\$&');
}

/** Cuts at a word, never inside a surrogate pair. */
export function cut(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const part = text.slice(0, maxCharacters - 1);
  const atWord = part.replace(/\s+\S*$/, '');
  return `${(atWord.length > maxCharacters / 2 ? atWord : part).replace(/[\uD800-\uDBFF]$/, '').trimEnd()}…`;
}

export function titleOf(source: Source): string {
  return source.title ?? source.location;
}

/** `([<title>](<location>), <date>)`; spaces and parentheses of the location are percent-encoded, so that the link ends where it should. */
export function citation(title: string, location: string, date?: string): string {
  const target = location.replace(
    /[\s()<>\\]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `([${plainLine(title, 80)}](${target})${date === undefined ? '' : `, ${date}`})`;
}

export function citeFinding(finding: Finding): string {
  return citation(titleOf(finding.source), finding.location, finding.date);
}

/** The newest date of some findings. */
export function newestDate(findings: readonly Finding[]): string | undefined {
  return findings.reduce<string | undefined>(
    (newest, { date }) => (date !== undefined && (newest === undefined || date > newest) ? date : newest),
    undefined,
  );
}

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
