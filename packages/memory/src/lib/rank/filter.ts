import type { MemoryRecallOptions } from '../memory.ts';
import { inputError, parseTime } from '../memory-input.ts';
import { type Tier, tiers } from '../store/record.ts';
import type { LexicalIndex } from './lexical-index.ts';
import type { ScoreFilter } from './score.ts';

/** Which documents may be in an answer. `kinds` takes kinds and names of tiers. */
export function documentFilter(index: LexicalIndex, options: MemoryRecallOptions): ScoreFilter {
  const { columns } = index.state;
  const asOf = parseTime(options.asOf, 'asOf');
  const between = readBetween(options.between);
  const kinds = options.kinds ? numbersOf(options.kinds, (name) => index.kindNamed(name)) : undefined;
  const tierNumbers = options.kinds ? numbersOf(options.kinds, (name) => tiers.indexOf(name as Tier)) : undefined;
  const speakers = options.speakers ? numbersOf(options.speakers, (name) => index.speakerNamed(name)) : undefined;
  return {
    accepts(doc) {
      const live = columns.live.values[doc];
      if (asOf === undefined ? live !== 1 : live === 0) return false;
      if (asOf !== undefined && !heldAt(columns, doc, asOf)) return false;
      if (
        kinds &&
        tierNumbers &&
        !kinds.has(columns.kind.values[doc] ?? -1) &&
        !tierNumbers.has(columns.tier.values[doc] ?? 255)
      )
        return false;
      if (speakers && !speakers.has(columns.speaker.values[doc] ?? -1)) return false;
      return between === undefined || isBetween(columns, doc, between);
    },
  };
}

type Columns = LexicalIndex['state']['columns'];

function heldAt(columns: Columns, doc: number, time: number): boolean {
  return (
    (columns.recordedAt.values[doc] ?? 0) <= time && (columns.retiredAt.values[doc] ?? Number.POSITIVE_INFINITY) > time
  );
}

function isBetween(columns: Columns, doc: number, [from, to]: readonly [number, number]): boolean {
  const time = columns.time.values[doc] ?? Number.NaN;
  const at = Number.isNaN(time) ? (columns.recordedAt.values[doc] ?? 0) : time;
  return at >= from && at <= to;
}

/** Both ends as epoch ms. Throws `GENIE_MEMORY_INPUT` when the range is the wrong way round. */
export function readBetween(between: MemoryRecallOptions['between']): readonly [number, number] | undefined {
  if (between === undefined) return undefined;
  const from = parseTime(between[0], 'between') ?? 0;
  const to = parseTime(between[1], 'between') ?? 0;
  if (from > to) throw inputError('between', `${between[0]} to ${between[1]}`, 'Put the earlier time first.');
  return [from, to];
}

function numbersOf(names: readonly string[], find: (name: string) => number | undefined): Set<number> {
  return new Set(names.map(find).filter((number): number is number => number !== undefined && number >= 0));
}
