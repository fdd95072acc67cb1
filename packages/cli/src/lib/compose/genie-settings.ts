import { GenieError } from '@genie/core/errors';
import { type GenieFile, genieFilePath } from '@genie/core/home';
import { z } from 'zod';
import { mcpSettingsSchema } from '../mcp/mcp-settings.ts';
import { storeSetting } from './store-reference.ts';
import { pluginsSchema, toolboxSchema } from './toolbox-settings.ts';

const price = z.object({
  inputUsdPerMillion: z.number().nonnegative(),
  outputUsdPerMillion: z.number().nonnegative(),
  cachedInputUsdPerMillion: z.number().nonnegative().optional(),
});

/** When a genie reviews itself, and how long raw observations are kept. */
const metricsSchema = z.strictObject({
  evaluation: z
    .strictObject({
      everyMs: z.number().positive().exactOptional(),
      everyRuns: z.number().int().positive().exactOptional(),
      onBreach: z.boolean().exactOptional(),
    })
    .exactOptional(),
  rawRetentionDays: z.number().int().min(8).max(36_500).exactOptional(),
});

/** What `genie.json` holds beside core's members: what only a composition root needs. */
const settingsSchema = z.object({
  /** Names of the tools the user accepted. Default: all. */
  tools: z.array(z.string()).optional(),
  /** USD for a million tokens. */
  prices: z.object({ planning: price.optional(), execution: price.optional() }).optional(),
  /** Prefix of the model's endpoints, for `openai-compatible` and proxies. */
  modelBaseUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Models that stand in, in this order, while the planning or the execution model cannot be had, e.g. `["ollama/llama3.2", "offline"]`. */
  fallbackModels: z.array(z.string().min(1).max(500)).max(8).default([]),
  egress: z
    .object({
      allow: z.array(z.string()),
      /** Exact `ip:port` that names may resolve to although it is not public. */
      allowPrivate: z.array(z.string()).default([]),
      /** The DNS server to ask, `ip:port`, instead of the system. */
      resolver: z.string().optional(),
      /** How long a command in the sandbox waits for the user before its connection is refused. */
      holdMs: z.number().int().min(0).max(3_600_000).optional(),
      /** A proxy of the network that everything goes on through. Its `user:password` stands in an environment variable, not here. */
      upstreamProxy: z
        .object({
          url: z.string(),
          authVariable: z.string().optional(),
          resolve: z.enum(['here', 'there']).exactOptional(),
        })
        .optional(),
    })
    .default({ allow: [], allowPrivate: [] }),
  /** Watches whether the network works, by asking the genie's own providers or these URLs; off unless said. */
  network: z
    .strictObject({
      targets: z
        .array(z.strictObject({ url: z.url({ protocol: /^https?$/ }), expectStatus: z.number().int().exactOptional() }))
        .exactOptional(),
      intervalMs: z.number().int().min(100).exactOptional(),
    })
    .optional(),
  /** Instructions by name, searched terms and rules for tools: what adjustments change beside core's members. */
  promptFragments: z.record(z.string(), z.string()).default({}),
  searchTerms: z.array(z.string()).default([]),
  toolPolicy: z.record(z.string(), z.enum(['allow', 'ask', 'deny'])).default({}),
  metrics: metricsSchema.default({}),
  /** Where it keeps runs, approvals, memory and metrics: `home`, or `env:NAME` for a variable that holds a `postgres://` address. */
  store: z
    .string()
    .regex(storeSetting, 'is "home" or "env:NAME": an address may hold a password, so it stands in a variable')
    .optional(),
  /** MCP servers whose tools and documents the genie uses. */
  mcp: mcpSettingsSchema.default({}),
  /** What the genie acts with: commands, files, data. */
  toolbox: toolboxSchema.prefault({}),
  plugins: pluginsSchema.default([]),
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
