import { z } from 'zod';

/** The form of a plan, as asked of the planning model. */
export const planSchema = z.object({
  steps: z
    .array(z.object({ text: z.string().min(1).max(500), tool: z.string().optional() }))
    .min(1)
    .max(20),
  reason: z.string().max(2_000).optional(),
});

export function planJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(planSchema) as Record<string, unknown>;
}
