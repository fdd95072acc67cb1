import { z } from 'zod';

/** Numbers among the options of `openMetrics`, with their defaults. */
export const resolvedSchema = z.object({
  probeTimeoutMs: z.number().int().min(1).max(600_000).default(10_000),
  rawRetentionDays: z.number().int().min(8).max(36_500).default(400),
  evaluation: z
    .object({
      everyMs: z
        .number()
        .min(1)
        .default(7 * 86_400_000),
      everyRuns: z.number().int().min(1).default(20),
      onBreach: z.boolean().default(true),
    })
    .prefault({}),
});

export type ResolvedLimits = z.infer<typeof resolvedSchema>;
