import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonObject, parseJson } from '@genie/core';
import { describeThrown, GenieError } from '@genie/core/errors';
import { z } from 'zod';

const permission = z
  .string()
  .regex(
    /^(fs:(read|write|\*)|shell|net:(\*|(\*\.)?[a-z0-9.-]+)|memory:[a-z*]+)$/,
    'use fs:read, fs:write, shell, net:<host> or memory:<what>',
  );

const manifestTool = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  description: z.string().min(1).max(2000),
  effect: z.enum(['read', 'idempotent', 'once']).default('once'),
  permissions: z.array(permission).default([]),
  timeoutMs: z.number().int().min(1).max(3_600_000).default(30_000),
  /** JSON Schema (draft 2020-12) of the arguments. */
  input: z.record(z.string(), z.json()),
});

const manifest = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  version: z.string().regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/),
  description: z.string().max(500).default(''),
  /** Module inside the plugin's folder that exports `createTools(config)`. */
  entry: z
    .string()
    .min(1)
    .max(200)
    .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), 'name a file inside the plugin'),
  permissions: z.array(permission).default([]),
  tools: z.array(manifestTool).min(1).max(100),
  /** Calls that work without the world; the kit makes them. */
  examples: z
    .array(z.strictObject({ tool: z.string(), input: z.json() }))
    .max(50)
    .default([]),
  /** JSON Schema of the configuration. */
  config: z.record(z.string(), z.json()).optional(),
});

/** What a plugin says of itself, in the field `genie` of its `package.json`. People approve this, and it is enforced. */
export type PluginManifest = z.infer<typeof manifest>;

/** Reads and checks the manifest of the plugin in a folder. Throws `GENIE_PLUGIN_MANIFEST`. */
export function readManifest(folder: string): PluginManifest {
  const path = join(folder, 'package.json');
  let found: unknown;
  try {
    found = (parseJson(readFileSync(path, 'utf8')) as { genie?: unknown }).genie;
  } catch (error) {
    throw new GenieError('GENIE_PLUGIN_MANIFEST', `${path} cannot be read: ${describeThrown(error)}`, { cause: error });
  }
  return checkManifest(found, path);
}

function checkManifest(found: unknown, path: string): PluginManifest {
  const result = manifest.safeParse(found);
  const reasons = result.success
    ? contradictions(result.data)
    : result.error.issues.map((issue) => `${issue.path.join('.') || 'genie'}: ${issue.message}`);
  if (result.success && reasons.length === 0) return result.data;
  throw new GenieError(
    'GENIE_PLUGIN_MANIFEST',
    `The field "genie" in ${path} is not a plugin manifest: ${reasons.slice(0, 8).join('; ')}.`,
  );
}

function contradictions({ tools, permissions, examples }: PluginManifest): string[] {
  const names = tools.map((tool) => tool.name);
  const doubled = names.filter((name, index) => names.indexOf(name) !== index);
  const undeclared = tools.flatMap((tool) =>
    tool.permissions
      .filter((one) => !permissions.includes(one))
      .map((one) => `tool "${tool.name}" wants ${one}, which is not among the plugin's permissions`),
  );
  const strange = examples
    .filter((one) => !names.includes(one.tool))
    .map((one) => `an example calls "${one.tool}", which is no tool of it`);
  return [...doubled.map((name) => `two tools are called "${name}"`), ...undeclared, ...strange];
}

/** The configuration checked against the manifest's schema. Throws `GENIE_PLUGIN_CONFIG`. */
export function checkConfig(plugin: PluginManifest, config: unknown): JsonObject {
  const schema = plugin.config === undefined ? z.strictObject({}) : jsonSchemaToZod(plugin.config);
  const result = schema.safeParse(config ?? {});
  if (result.success) return result.data as JsonObject;
  const reasons = result.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
  throw new GenieError(
    'GENIE_PLUGIN_CONFIG',
    `The configuration of the plugin "${plugin.id}" is not valid: ${reasons.slice(0, 8).join('; ')}.`,
  );
}

/** Throws `GENIE_PLUGIN_MANIFEST` for a schema that cannot be used. */
export function jsonSchemaToZod(schema: Readonly<Record<string, unknown>>): z.ZodType {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    throw new GenieError(
      'GENIE_PLUGIN_MANIFEST',
      `A JSON Schema of the manifest cannot be used: ${describeThrown(error)}`,
      { cause: error },
    );
  }
}
