import type { StoredFeedback } from './feedback.ts';

/** How the user judged one source or item. */
export interface Preference {
  readonly key: string;
  readonly up: number;
  readonly down: number;
  /** -1 (never useful) to 1 (always useful), shrunk towards 0 while there is little feedback. */
  readonly score: number;
  /** In words, for the briefing and the dashboard. */
  readonly why: string;
}

/** What the user values, for ranking. Strongest opinions first. */
export interface Preferences {
  readonly sources: readonly Preference[];
  readonly items: readonly Preference[];
  /** Free text, newest first, at most 20. */
  readonly remarks: readonly { readonly at: number; readonly text: string; readonly runId?: string }[];
}

/** Two made-up answers, one each way, keep a single click from deciding everything (Laplace's rule of succession). */
const prior = 2;

/** Adds up feedback. One person's later word on the same item replaces the earlier one. */
export function toPreferences(rows: readonly StoredFeedback[]): Preferences {
  const latest = new Map<string, StoredFeedback>();
  for (const row of rows) {
    if (row.kind === 'text') continue;
    latest.set(JSON.stringify([row.by, row.runId, row.itemId ?? row.id, row.source]), row);
  }
  const judged = [...latest.values()];
  const remarks = rows
    .flatMap((row) => (row.kind === 'text' ? [row] : []))
    .slice(-20)
    .reverse()
    .map(({ at, text, runId }) => ({ at, text, ...(runId === undefined ? {} : { runId }) }));
  return {
    sources: tally(judged, (row) => row.source),
    items: tally(judged, (row) => row.itemId),
    remarks,
  };
}

function tally(rows: readonly StoredFeedback[], keyOf: (row: StoredFeedback) => string | undefined): Preference[] {
  const counts = new Map<string, { up: number; down: number }>();
  for (const row of rows) {
    const key = keyOf(row);
    const liked = likes(row);
    if (key === undefined || liked === undefined) continue;
    const known = counts.get(key) ?? { up: 0, down: 0 };
    known[liked ? 'up' : 'down'] += 1;
    counts.set(key, known);
  }
  return [...counts]
    .map(([key, { up, down }]) => ({
      key,
      up,
      down,
      score: (up - down) / (up + down + prior),
      why: `${up} liked, ${down} not`,
    }))
    .sort((left, right) => Math.abs(right.score) - Math.abs(left.score) || (left.key < right.key ? -1 : 1));
}

/** Three stars say neither. */
function likes(row: StoredFeedback): boolean | undefined {
  if (row.kind === 'thumbs') return row.up;
  if (row.kind === 'irrelevant') return false;
  if (row.kind === 'stars' && row.stars !== 3) return row.stars > 3;
  return undefined;
}
