import { GenieError } from '@genie/core/errors';
import { z } from 'zod';

const subject = {
  runId: z.string().min(1).max(200).optional(),
  /** A briefing item, as in `BriefingItem.id`. */
  itemId: z.string().min(1).max(200).optional(),
  /** Where the item came from, as in `Citation.source`. */
  source: z.string().min(1).max(2000).optional(),
  by: z.string().min(1).max(200).optional(),
  /** Makes a second delivery of the same feedback a no-op. */
  key: z.string().min(1).max(200).optional(),
};

const feedbackSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('thumbs'), up: z.boolean(), ...subject }),
  z.strictObject({ kind: z.literal('stars'), stars: z.number().int().min(1).max(5), ...subject }),
  z.strictObject({ kind: z.literal('irrelevant'), ...subject, itemId: z.string().min(1).max(200) }),
  z.strictObject({ kind: z.literal('text'), text: z.string().min(1).max(10_000), ...subject }),
]);

/** A user's word on a briefing, an item or the genie: thumbs, 1 to 5 stars, "irrelevant" on one item, or free text. */
export type Feedback = z.infer<typeof feedbackSchema>;

export type StoredFeedback = Feedback & {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  /** False when no outcome of that run is known, e.g. because it was deleted. The feedback counts all the same. */
  readonly runKnown?: boolean;
};

/** Throws `GENIE_FEEDBACK_INVALID` with the member, the value and what is right. */
export function parseFeedback(input: unknown): Feedback {
  const parsed = feedbackSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const member = issue?.path.join('.') || 'feedback';
  const received = JSON.stringify(input)?.slice(0, 200);
  throw new GenieError('GENIE_FEEDBACK_INVALID', `Feedback ${received}: ${member}: ${issue?.message}.`, {
    details: { member },
  });
}
