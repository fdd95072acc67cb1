import type { MemoryRecord, StoredRecord } from '../store/record.ts';
import { findTimeSpans } from '../text/time-words.ts';
import { textsOf } from '../tiers/episodes.ts';
import { patternRecord } from '../tiers/patterns.ts';

const lookBack = 20;
const fewest = 3;
const dueWords =
  /\b(deadline|due|until|by|remind|remember to|don't forget|expires?|renew|appointment|must|have to|need to)\b/i;

export interface PatternInput {
  readonly namespace: string;
  readonly now: number;
  /** Oldest first. */
  readonly episodes: readonly StoredRecord[];
  readonly memories: readonly StoredRecord[];
}

/** What repeats over runs and what will be due: names that keep coming up, sources that deliver, tools that fail, dates ahead. */
export function detectPatterns(input: PatternInput): MemoryRecord[] {
  return [
    ...recurring(input, 'topic', entitiesOf),
    ...recurring(input, 'failure', failuresOf),
    ...productiveSources(input),
    ...dueDates(input),
  ];
}

const sentences = {
  topic: (name: string, times: number, of: number) => `${name} keeps coming up: in ${times} of the last ${of} runs.`,
  failure: (name: string, times: number, of: number) =>
    `A tool call keeps failing (${name}): in ${times} of the last ${of} runs.`,
} as const;

function recurring(
  { namespace, now, episodes }: PatternInput,
  kind: 'topic' | 'failure',
  read: (episode: StoredRecord) => string[],
): MemoryRecord[] {
  const latest = episodes.filter((episode) => episode.kind === 'episode').slice(-lookBack);
  const found = new Map<string, StoredRecord[]>();
  for (const episode of latest)
    for (const name of new Set(read(episode))) found.set(name, [...(found.get(name) ?? []), episode]);
  return [...found]
    .filter(([, at]) => at.length >= fewest && at.length / latest.length >= 0.3)
    .sort((left, right) => right[1].length - left[1].length)
    .slice(0, 5)
    .map(([name, at]) =>
      patternRecord({
        namespace,
        kind,
        slot: name,
        detectedAt: now,
        detected: true,
        text: sentences[kind](name, at.length, latest.length),
        confidence: smoothed(at.length, latest.length),
        from: at.map(({ id }) => id),
      }),
    );
}

function entitiesOf(episode: StoredRecord): string[] {
  return textsOf(episode.data?.entities);
}

function failuresOf(episode: StoredRecord): string[] {
  return textsOf(episode.data?.toolFailures);
}

/** Laplace's rule of succession, (s + 1) / (n + 2): few observations give little confidence. */
function smoothed(successes: number, of: number): number {
  return Math.round(((successes + 1) / (of + 2)) * 100) / 100;
}

function productiveSources({ namespace, now, memories, episodes }: PatternInput): MemoryRecord[] {
  const runsBySource = new Map<string, Set<string>>();
  for (const { kind, source, runId } of memories) {
    if (kind !== 'finding' || source === undefined || runId === undefined) continue;
    runsBySource.set(source, (runsBySource.get(source) ?? new Set()).add(runId));
  }
  const runs = Math.max(1, episodes.filter(({ kind }) => kind === 'episode').length);
  return [...runsBySource]
    .filter(([, found]) => found.size >= fewest)
    .map(([source, found]) =>
      patternRecord({
        namespace,
        kind: 'source',
        slot: source,
        detectedAt: now,
        detected: true,
        text: `${source} had something new in ${found.size} runs.`,
        confidence: smoothed(Math.min(found.size, runs), runs),
      }),
    );
}

/** Memories that name a date after they were recorded and speak of having to do something. */
function dueDates({ namespace, now, memories }: PatternInput): MemoryRecord[] {
  return memories.flatMap((memory) => {
    if (!dueWords.test(memory.text)) return [];
    const said = memory.eventTime ?? memory.recordedAt;
    const ahead = findTimeSpans(memory.text, said).find(({ from }) => from > said);
    if (!ahead) return [];
    return [
      patternRecord({
        namespace,
        kind: 'due',
        slot: memory.id,
        detectedAt: now,
        detected: true,
        text: memory.text.slice(0, 400),
        confidence: 0.7,
        dueAt: ahead.from,
        from: [memory.id],
      }),
    ];
  });
}
