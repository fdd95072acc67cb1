import * as fs from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeThrown, GenieError } from '../genie-error.ts';
import { parseJson } from '../json.ts';

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
    .object({ steps: z.number().positive(), tokens: z.number().positive(), usd: z.number().positive(), timeMs: z.number().positive() })
    .partial()
    .optional(),
  /** Hosts the genie may reach without asking. */
  egress: z.looseObject({ allow: z.array(z.string()) }).optional(),
});

export type GenieFile = z.output<typeof genieFileSchema>;

export function genieFilePath(home: string): string {
  return join(home, 'genie.json');
}

/**
 * Reads `genie.json`. Throws `GENIE_HOME_MISSING` (no such file), `GENIE_HOME_VERSION` (written by a newer version),
 * `GENIE_HOME_FILE` (truncated, no JSON, or members of a wrong form; the message names them) and `GENIE_HOME_UNREADABLE`.
 */
export function readGenieFile(home: string): GenieFile {
  const path = genieFilePath(home);
  let text: string;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new GenieError('GENIE_HOME_MISSING', `${path} does not exist. Make a genie with "genie new", or name another home.`, { cause: error });
    }
    throw new GenieError('GENIE_HOME_UNREADABLE', `${path} cannot be read (${describeThrown(error)}).`, { cause: error });
  }
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new GenieError('GENIE_HOME_FILE', `${path} is not whole JSON (${describeThrown(error)}). Restore it from a backup or an export.`, { cause: error });
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > 1) {
    throw new GenieError('GENIE_HOME_VERSION', `${path} has format ${format}; this version reads format 1. Upgrade @genie/core.`);
  }
  const result = genieFileSchema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
  throw new GenieError('GENIE_HOME_FILE', `${path} cannot be used: ${issues.join('; ')}.`);
}

/** Writes `genie.json` whole or not at all: beside itself, synced, then renamed into place. Throws `GENIE_HOME_UNREADABLE`. */
export function writeGenieFile(home: string, file: GenieFile): void {
  const path = genieFilePath(home);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const descriptor = fs.openSync(temporary, 'w', 0o600);
    try {
      fs.writeSync(descriptor, `${JSON.stringify(file, undefined, 2)}\n`);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw new GenieError('GENIE_HOME_UNREADABLE', `${path} cannot be written (${describeThrown(error)}).`, { cause: error });
  }
}
