import { GenieError } from '@genie/core/errors';
import { type GenieFile, genieFilePath } from '@genie/core/home';
import { z } from 'zod';

const price = z.object({
  inputUsdPerMillion: z.number().nonnegative(),
  outputUsdPerMillion: z.number().nonnegative(),
  cachedInputUsdPerMillion: z.number().nonnegative().optional(),
});

/** What `genie.json` holds beside core's members: what only a composition root needs. */
const settingsSchema = z.object({
  /** Names of the tools the user accepted. Default: all. */
  tools: z.array(z.string()).optional(),
  /** USD for a million tokens. */
  prices: z.object({ planning: price.optional(), execution: price.optional() }).optional(),
  /** Prefix of the model's endpoints, for `openai-compatible` and proxies. */
  modelBaseUrl: z.url({ protocol: /^https?$/ }).optional(),
  egress: z
    .object({
      allow: z.array(z.string()),
      /** Exact `ip:port` that names may resolve to although it is not public. */
      allowPrivate: z.array(z.string()).default([]),
      /** The DNS server to ask, `ip:port`, instead of the system. */
      resolver: z.string().optional(),
    })
    .default({ allow: [], allowPrivate: [] }),
});

export type GenieSettings = z.output<typeof settingsSchema>;

/** Reads those members. Throws `GENIE_HOME_FILE` that names the first wrong one. */
export function readSettings(home: string, file: GenieFile): GenieSettings {
  const parsed = settingsSchema.safeParse(file);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new GenieError(
    'GENIE_HOME_FILE',
    `${genieFilePath(home)} cannot be used: ${issue?.path.join('.')}: ${issue?.message}.`,
  );
}
