import { createHash } from 'node:crypto';
import { GenieError } from '@genie/core/errors';
import { canonicalJson } from '@genie/core/ports';
import { z } from 'zod';

const text = z.string().min(1).max(2000);
const names = z.array(text).min(1).max(50);
const source = z.strictObject({
  kind: z.enum(['folder', 'git', 'feed', 'web', 'mcp']),
  location: text,
  title: text.optional(),
});

/** The schema of a typed change to a genie's settings. A model's proposal that does not fit is dropped. */
export const adjustmentSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('sources'), add: z.array(source).max(50).optional(), remove: names.optional() }),
  z.strictObject({
    type: z.literal('schedule'),
    cron: z.string().regex(/^\S+(?: \S+){4,5}$/, 'must be a cron expression'),
  }),
  z.strictObject({ type: z.literal('search-terms'), add: names.optional(), remove: names.optional() }),
  z.strictObject({
    type: z.literal('prompt-fragment'),
    name: z.string().regex(/^[a-z0-9-]{1,80}$/),
    text: z.string().max(10_000),
  }),
  z.strictObject({ type: z.literal('model'), role: z.enum(['planning', 'execution']), modelId: text }),
  z.strictObject({
    type: z.literal('budget'),
    limit: z.enum(['steps', 'tokens', 'usd', 'timeMs']),
    value: z.number().positive(),
  }),
  z.strictObject({ type: z.literal('tool-policy'), tool: text, policy: z.enum(['allow', 'ask', 'deny']) }),
]);

/** A typed change: sources, schedule, search terms, a prompt fragment (empty text removes it), model, budget or tool policy. */
export type Adjustment = z.infer<typeof adjustmentSchema>;

/** Throws `GENIE_ADJUSTMENT_INVALID` with the member and what is right. */
export function parseAdjustment(input: unknown): Adjustment {
  const parsed = adjustmentSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const received = JSON.stringify(input)?.slice(0, 200);
  throw new GenieError(
    'GENIE_ADJUSTMENT_INVALID',
    `Adjustment ${received}: ${issue?.path.join('.')}: ${issue?.message}.`,
  );
}

/** The id of a proposal: the same change has the same id, so it is asked about once. */
export function adjustmentId(adjustment: Adjustment): string {
  return `adjustment_${createHash('sha256').update(canonicalJson(adjustment)).digest('hex').slice(0, 24)}`;
}

/** One line for a person, e.g. `Remove source https://example.com/feed`. */
export function describeAdjustment(adjustment: Adjustment): string {
  switch (adjustment.type) {
    case 'sources':
      return joinChanges(
        'source',
        adjustment.add?.map((one) => one.location),
        adjustment.remove,
      );
    case 'search-terms':
      return joinChanges('search term', adjustment.add, adjustment.remove);
    case 'schedule':
      return `Wake at "${adjustment.cron}"`;
    case 'prompt-fragment':
      return adjustment.text === ''
        ? `Drop the instruction "${adjustment.name}"`
        : `Set the instruction "${adjustment.name}"`;
    case 'model':
      return `Use ${adjustment.modelId} for ${adjustment.role}`;
    case 'budget':
      return `Limit ${adjustment.limit} to ${adjustment.value}`;
    case 'tool-policy':
      return `Tool ${adjustment.tool}: ${adjustment.policy}`;
    default:
      return adjustment satisfies never;
  }
}

function joinChanges(what: string, add: readonly string[] = [], remove: readonly string[] = []): string {
  const parts = [
    ...(remove.length > 0 ? [`Remove ${what} ${remove.join(', ')}`] : []),
    ...(add.length > 0 ? [`Add ${what} ${add.join(', ')}`] : []),
  ];
  return parts.join('; ') || `No change of any ${what}`;
}
