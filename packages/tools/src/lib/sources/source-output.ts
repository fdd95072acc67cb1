import { z } from 'zod';

const sourceKinds = ['folder', 'git', 'feed', 'web', 'mcp'] as const;

/** One thing a source has to say: a commit, a file, an entry, a page. */
export const sourceItem = z.object({
  /** Stable: the same thing gives the same id, changed content gives another. */
  id: z.string(),
  title: z.string(),
  text: z.string(),
  /** ISO 8601. */
  date: z.string().optional(),
  /** Link or path a person can open; what a citation shows. */
  location: z.string(),
  author: z.string().optional(),
});

/**
 * The one form of a result that every source tool gives, so that any model (the offline one too) reads all of them the
 * same way. Newest item first.
 */
export const sourceOutput = z.object({
  source: z.object({ kind: z.enum(sourceKinds), location: z.string() }),
  /** Pass it as `since` next time to get only what is new. */
  cursor: z.string().optional(),
  items: z.array(sourceItem),
  /** True when there was more than the limit allowed. */
  truncated: z.boolean().optional(),
  /** What the reader should know about this answer, e.g. that the cursor was not usable. */
  note: z.string().optional(),
  /** Where a page links to. */
  links: z.array(z.object({ text: z.string(), url: z.string() })).optional(),
});

export type SourceItem = z.infer<typeof sourceItem>;
export type SourceOutput = z.infer<typeof sourceOutput>;
