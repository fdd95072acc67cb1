import { z } from 'zod';
import { parseSchedule } from '../schedule/schedule.ts';
import type { ProposalParts } from './proposal.ts';

const kpiSchema = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/),
  name: z.string().min(1).max(120),
  unit: z.string().max(40),
  direction: z.enum(['up', 'down']),
  target: z.number(),
  warning: z.number().optional(),
  failure: z.number().optional(),
  cadence: z.string().optional(),
  aggregation: z.enum(['count', 'sum', 'mean', 'percentile', 'ratio', 'rate', 'yes-no']).optional(),
  probe: z.looseObject({ kind: z.string() }),
});

/** What the planning model answers. */
export const proposalSchema = z.object({
  container: z.object({
    cpus: z.number().min(0.25).max(16),
    memoryMb: z.number().int().min(128).max(65_536),
    diskMb: z.number().int().min(256).max(1_048_576),
  }),
  schedule: z.object({
    cron: z.string().min(9),
    timezone: z.string(),
    misfire: z.enum(['skip', 'once', 'all']).default('once'),
  }),
  models: z.object({ planning: z.string(), execution: z.string() }).partial().optional(),
  tools: z.array(z.string()).max(100),
  domains: z.array(z.string()).max(100),
  kpis: z.array(kpiSchema).min(1).max(20),
  tokensPerRun: z.object({
    input: z.number().int().min(0).max(100_000_000),
    output: z.number().int().min(0).max(100_000_000),
  }),
  reason: z.string().max(4_000),
});

const { container, schedule, tools, domains, kpis } = proposalSchema.shape;
const models = z.object({ planning: z.string().min(1), execution: z.string().min(1) });
const partSchemas = { container, schedule, models, tools, domains, kpis } as const;

/** A part as the user edited it, with defaults filled in. Throws with what is wrong, in words. */
export function readEditedPart(part: keyof ProposalParts, value: unknown): unknown {
  const result = partSchemas[part].safeParse(value);
  if (!result.success) {
    const issues = result.error.issues.slice(0, 5);
    throw new Error(issues.map((issue) => [...issue.path, issue.message].join(': ')).join('; '));
  }
  if (part === 'schedule') parseSchedule(schedule.parse(value));
  return result.data;
}
