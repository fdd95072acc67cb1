import type { RunOutcome } from '@genie/core';
import type { GenieFile } from '@genie/core/home';
import type { Briefing, BriefingItem } from '@genie/core/ports';
import type { Feedback } from '@genie/metrics';
import { usageError } from '../cli/usage-error.ts';
import type { HomeMetrics } from './open-home-metrics.ts';

export type Judgement =
  | { readonly kind: 'thumbs'; readonly up: boolean }
  | { readonly kind: 'stars'; readonly stars: number }
  | { readonly kind: 'irrelevant' }
  | { readonly kind: 'text'; readonly text: string };

/** A run with what it briefed. */
export interface Briefed {
  readonly runId: string | undefined;
  readonly briefing: Briefing | undefined;
}

/** The named run, or the latest one with a briefing. A run whose journal is gone has no items to show any more. */
export async function findBriefing({ metrics, store }: HomeMetrics, runId: string | undefined): Promise<Briefed> {
  const briefingOf = async (id: string): Promise<Briefing | undefined> => {
    const closed = (await store.records(id)).at(-1);
    return closed?.kind === 'closed' ? (closed.outcome as unknown as RunOutcome).briefing : undefined;
  };
  if (runId !== undefined) return { runId, briefing: await briefingOf(runId) };
  for (const outcome of (await metrics.outcomes({ limit: 50 })).toReversed()) {
    const briefing = await briefingOf(outcome.runId);
    if (briefing !== undefined) return { runId: outcome.runId, briefing };
  }
  return { runId: undefined, briefing: undefined };
}

/** Ties a judgement to run, item and source. Throws `GENIE_CLI_USAGE` for an item that is not there. */
export function toFeedback(
  judgement: Judgement,
  about: { readonly briefed: Briefed; readonly item: string | undefined; readonly file: GenieFile },
): Feedback {
  const { briefed, file } = about;
  const item = about.item === undefined ? undefined : findItem(briefed, about.item);
  if (judgement.kind === 'irrelevant' && item === undefined)
    throw usageError('--irrelevant is about one item: give its number, as "genie feedback" lists it.');
  const source = item === undefined ? undefined : sourceOf(item, file);
  return {
    ...judgement,
    ...(briefed.runId === undefined ? {} : { runId: briefed.runId }),
    ...(item === undefined ? {} : { itemId: item.id }),
    ...(source === undefined ? {} : { source }),
    by: 'user',
  } as Feedback;
}

function findItem({ briefing }: Briefed, named: string): BriefingItem {
  const items = briefing?.items ?? [];
  const item = items.find(({ id }) => id === named) ?? items[Number(named) - 1];
  if (item !== undefined) return item;
  throw usageError(
    items.length === 0
      ? 'The briefing of that run is gone or has no items; give your judgement without an item.'
      : `There is no item ${JSON.stringify(named)}: use a number from 1 to ${items.length}.`,
  );
}

/** The genie's own source where the citation is from one, else what the citation names: ranking finds it by either. */
function sourceOf({ citations }: BriefingItem, { sources = [] }: GenieFile): string | undefined {
  const [citation] = citations;
  if (citation === undefined) return undefined;
  const own = sources.find(
    ({ location, title }) =>
      citation.location.startsWith(location) || citation.source === location || citation.source === title,
  );
  // Its title, when it has one: that is what citations of other places on the same site say.
  return own === undefined ? citation.source || citation.location : (own.title ?? own.location);
}
