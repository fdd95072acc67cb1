import { categoryLines, registerLines, synonymLines } from './lexicon-lines.ts';
import { stem } from './stem.ts';
import { stopWords } from './stop-words.ts';

interface Expansion {
  readonly term: string;
  readonly kind: 'member' | 'synonym';
}

let expansionsByStem: Map<string, Expansion[]> | undefined;

/** What else an answer may say where the question says `term` (a stem). Built on first use from the lines above. */
export function expandTerm(term: string): readonly Expansion[] {
  expansionsByStem ??= buildExpansions();
  return expansionsByStem.get(term) ?? [];
}

function buildExpansions(): Map<string, Expansion[]> {
  const found = new Map<string, Map<string, Expansion['kind']>>();
  const add = (from: string, to: string, kind: Expansion['kind']): void => {
    if (from === to) return;
    const targets = found.get(from) ?? new Map<string, Expansion['kind']>();
    if (kind === 'synonym' || !targets.has(to)) targets.set(to, kind);
    found.set(from, targets);
  };
  for (const line of categoryLines.trim().split('\n')) {
    const [kinds = '', members = ''] = line.split(':');
    for (const kind of stemsOf(kinds)) for (const member of stemsOf(members)) add(kind, member, 'member');
  }
  for (const line of registerLines.trim().split('\n')) {
    const [formal = '', casual = ''] = line.split(':');
    for (const from of stemsOf(formal))
      for (const to of stemsOf(casual)) if (!stopWords.has(to)) add(from, to, 'synonym');
  }
  for (const line of synonymLines.trim().split('\n')) {
    const group = stemsOf(line);
    for (const from of group) for (const to of group) add(from, to, 'synonym');
  }
  return new Map([...found].map(([term, targets]) => [term, [...targets].map(([to, kind]) => ({ term: to, kind }))]));
}

function stemsOf(words: string): string[] {
  return words.trim().split(/\s+/).filter(Boolean).map(stem);
}
