import type { Source } from '@genie/core/ports';
import type { ReadPrompt } from './read-prompt.ts';

/** What a goal asks for. */
export type GoalKind = 'watch' | 'brief' | 'summarise' | 'compare' | 'count';

export interface Goal {
  readonly kind: GoalKind;
  /** The words that decide relevance: the person's message when there is one, else the goal. */
  readonly query: string;
  /** What holds one of these comes first, whatever else it holds. */
  readonly lookFor: readonly string[];
  readonly goal: string;
  readonly isQuestion: boolean;
  /** Only what was not reported before; a question about a topic wants all there is about it. */
  readonly newOnly: boolean;
  /** The goal also asks who is concerned, and why. */
  readonly wantsAudience: boolean;
  /** Lines at most. */
  readonly limit: number;
  readonly sources: readonly Source[];
}

/** The whole lexicon: the first kind with a matching word wins; without a match a goal is `brief`. */
const lexicon: readonly (readonly [GoalKind, RegExp])[] = [
  ['count', /\b(?:how many|how often|count|number of|tally|statistics?)\b/i],
  ['compare', /\b(?:compare|comparison|differences?|versus|vs\.?|contrast)\b/i],
  ['summarise', /\b(?:summari[sz]e|summary|sum up|digest|overview|recap|explain)\b/i],
  ['watch', /\b(?:watch|monitor|track|alert|notify|tell me when|keep an eye|follow|look out)\b/i],
  ['brief', /\b(?:brief|briefing|report|what(?:'s| is)? new|what(?: has)? changed|news|update me)\b/i],
];

const audience =
  /\bwho\b.{0,30}\b(?:care|matter|affect|concern|know|interest|read|look|review)|\bfor whom\b|\baffected\b/i;
const limits: Readonly<Record<GoalKind, number>> = { watch: 12, brief: 8, summarise: 6, compare: 12, count: 12 };

/** Decides by the stated lexicon what the prompt asks for, and from which sources. */
export function readGoal(prompt: ReadPrompt): Goal {
  const isQuestion = prompt.message !== undefined && prompt.message !== '';
  const query = isQuestion ? (prompt.message as string) : prompt.goal;
  const kind = kindOf(query) ?? kindOf(prompt.goal) ?? 'brief';
  const named = /\b(?:top|best|at most|up to|first|latest)\s+(\d{1,2})\b/i.exec(query)?.[1];
  return {
    kind,
    query,
    lookFor: prompt.lookFor,
    goal: prompt.goal,
    isQuestion,
    newOnly: !isQuestion || /\b(?:new|news|changed?|changes|latest|updates?|since|happened)\b/i.test(query),
    wantsAudience: audience.test(query) || (!isQuestion && audience.test(prompt.goal)),
    limit: named === undefined ? limits[kind] : Math.max(1, Number(named)),
    sources: prompt.sources.length > 0 ? prompt.sources : sourcesIn(`${prompt.goal}\n${prompt.message ?? ''}`),
  };
}

function kindOf(text: string): GoalKind | undefined {
  return lexicon.find(([, words]) => words.test(text))?.[0];
}

const url = /https?:\/\/[^\s<>"'`)\]]+/g;
const path = /(?:^|[\s"'`(])((?:~|\.{1,2})?\/[^\s"'`)|]*|[A-Za-z]:[\\/][^\s"'`)|]*|\.)(?=$|[\s"'`)|,;:!?])/g;

/** Finds addresses and paths in plain words: URLs are feeds or pages, paths are repositories or folders. */
export function sourcesIn(text: string): readonly Source[] {
  const found = new Map<string, Source>();
  const add = (source: Source) => found.set(`${source.kind}:${source.location}`, source);
  const withoutUrls = text.replace(url, (match) => {
    const location = match.replace(/[.,;:!?]+$/, '');
    add({ kind: urlKind(location), location });
    return ' ';
  });
  const aboutGit = /\b(?:git|repo|repository|commits?|checkout|branch)\b/i.test(withoutUrls);
  for (const match of withoutUrls.matchAll(path)) {
    const location = (match[1] ?? '').replace(/(?<=.)[.,;:!?]+$/, '');
    if (location === '.' && !aboutGit && !/\bfolder|director/i.test(withoutUrls)) continue;
    add({ kind: aboutGit || location.endsWith('.git') ? 'git' : 'folder', location });
  }
  if (found.size === 0 && /\b(?:this|the|my)\s+(?:git\s+)?(?:repo|repository|checkout)\b/i.test(withoutUrls)) {
    add({ kind: 'git', location: '.' });
  } else if (found.size === 0 && /\b(?:this|the|my)\s+(?:folder|directory|files)\b/i.test(withoutUrls)) {
    add({ kind: 'folder', location: '.' });
  }
  return [...found.values()];
}

function urlKind(location: string): Source['kind'] {
  if (/\.git$/i.test(location)) return 'git';
  return /(?:\/|\.|=|\b)(?:rss|atom|feeds?)(?:\b|\/|$)|\.(?:xml|rdf)(?:$|\?)/i.test(
    location.replace(/^https?:\/\//, ''),
  )
    ? 'feed'
    : 'web';
}
