import { createHash } from 'node:crypto';
import type { MemoryRecord, StoredRecord } from '../store/record.ts';
import { textsOf } from '../tiers/episodes.ts';
import type { Operation } from './operation.ts';

/** The latest episodes stay as they are. */
const untouched = 10;
const fewest = 3;
const groupSize = 10;

export interface SummaryContext {
  readonly namespace: string;
  readonly now: number;
}

/** Runs in a row that reported nothing become one episode that says so; their own records stay behind it. */
export function proposeQuietSummaries(episodes: readonly StoredRecord[], context: SummaryContext): Operation[] {
  const operations: Operation[] = [];
  let quiet: StoredRecord[] = [];
  const close = (): void => {
    if (quiet.length >= fewest)
      operations.push({ kind: 'summary', record: quietRecord(quiet, context), sources: quiet, retire: true });
    quiet = [];
  };
  for (const episode of episodes.slice(0, -untouched)) {
    if (episode.kind === 'episode' && textsOf(episode.data?.items).length === 0) quiet.push(episode);
    else close();
  }
  close();
  return operations;
}

function quietRecord(quiet: readonly StoredRecord[], { namespace, now }: SummaryContext): MemoryRecord {
  const day = (record: StoredRecord | undefined): string =>
    new Date(record?.eventTime ?? now).toISOString().slice(0, 10);
  const distinct = [...new Set(quiet.map(({ text }) => text))];
  return summaryRecord(
    `${quiet.length} runs from ${day(quiet[0])} to ${day(quiet.at(-1))} reported nothing. ${distinct.join(' ')}`,
    quiet,
    { namespace, now },
  );
}

export function summaryRecord(
  text: string,
  sources: readonly StoredRecord[],
  { namespace, now }: SummaryContext,
): MemoryRecord {
  const from = sources.map(({ id }) => id);
  const last = sources.at(-1);
  return {
    id: `summary:${createHash('sha256').update(JSON.stringify(from)).digest('hex').slice(0, 20)}`,
    namespace,
    tier: 'episodic',
    kind: 'summary',
    text,
    status: 'live',
    importance: 0.5,
    confidence: Math.min(...sources.map(({ confidence }) => confidence)),
    recordedAt: now,
    ...(last?.eventTime === undefined ? {} : { eventTime: last.eventTime }),
    data: { from },
  };
}

/** Groups of older findings that have no summary yet, for a model or for the extract below. */
export function groupsToSummarise(
  findings: readonly StoredRecord[],
  summarised: ReadonlySet<string>,
): StoredRecord[][] {
  const open = findings.filter(({ id }) => !summarised.has(id)).slice(0, -untouched);
  const groups: StoredRecord[][] = [];
  for (let start = 0; start + groupSize <= open.length; start += groupSize)
    groups.push(open.slice(start, start + groupSize));
  return groups;
}
