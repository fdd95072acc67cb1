import { z } from 'zod';
import { GenieError } from '../genie-error.ts';
import { genieFilePath, readGenieJson, writeGenieJson } from './genie-json.ts';

const sourceSchema = z.object({
  kind: z.enum(['folder', 'git', 'feed', 'web', 'mcp']),
  location: z.string().min(1),
  title: z.string().optional(),
});

const scheduleSchema = z.object({
  cron: z.string(),
  timezone: z.string().optional(),
  misfire: z.enum(['skip', 'once', 'all']).optional(),
  latenessLimitMs: z.number().positive().optional(),
});

/** `genie.json`, format 1: what a genie is. Members of other packages are kept as they are. */
export const genieFileSchema = z.looseObject({
  format: z.literal(1),
  id: z.string().min(1),
  goal: z.string().min(1),
  /** Epoch ms. */
  createdAt: z.number(),
  instructions: z.string().optional(),
  models: z.object({ planning: z.string(), execution: z.string() }).optional(),
  planning: z.enum(['none', 'once', 'every-run']).optional(),
  sources: z.array(sourceSchema).optional(),
  schedule: scheduleSchema.optional(),
  budget: z
    .object({
      steps: z.number().positive(),
      tokens: z.number().positive(),
      usd: z.number().positive(),
      timeMs: z.number().positive(),
    })
    .partial()
    .optional(),
  /** Hosts the genie may reach without asking. */
  egress: z.looseObject({ allow: z.array(z.string()) }).optional(),
});

export type GenieFile = z.output<typeof genieFileSchema>;

/**
 * Reads and checks `genie.json`. Throws what {@link readGenieJson} throws; `GENIE_HOME_FILE` names the members of a wrong form.
 */
export function readGenieFile(home: string): GenieFile {
  const result = genieFileSchema.safeParse(readGenieJson(home));
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
  throw new GenieError('GENIE_HOME_FILE', `${genieFilePath(home)} cannot be used: ${issues.join('; ')}.`);
}

/** Writes `genie.json` whole or not at all. Throws `GENIE_HOME_UNREADABLE`. */
export function writeGenieFile(home: string, file: GenieFile): void {
  writeGenieJson(home, file);
}
