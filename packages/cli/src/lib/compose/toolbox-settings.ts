import { z } from 'zod';

const positive = z.number().positive();

/** The member `toolbox` of `genie.json`: what the genie may act with beside reading its sources. Everything is off unless said. */
export const toolboxSchema = z.strictObject({
  /** Commands in a sandbox, in the genie's own workspace. */
  shell: z
    .union([
      z.boolean(),
      z.strictObject({
        /** A network whose only way out is the genie's own filter. */
        network: z.boolean().default(true),
        /** Before which commands the user is asked. */
        approval: z.enum(['first-use', 'always', 'never']).default('first-use'),
        timeoutMs: positive.optional(),
        maxMemoryMb: positive.optional(),
        maxProcesses: positive.int().optional(),
      }),
    ])
    .default(false),
  /** Writing, editing and deleting files of the workspace. */
  files: z
    .union([z.boolean(), z.strictObject({ maxTotalMb: positive.optional(), maxFileMb: positive.optional() })])
    .default(false),
  /** SQL and charts over data files. */
  data: z
    .union([z.boolean(), z.strictObject({ maxMemoryMb: positive.optional(), maxRows: positive.int().optional() })])
    .default(false),
});

export type ToolboxSettings = z.output<typeof toolboxSchema>;

export type ToolboxPart = keyof ToolboxSettings;

/** The member `plugins`: what `genie plugin add` installed, and what the user approved for it. */
export const pluginsSchema = z.array(
  z
    .strictObject({
      id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'use lower-case letters, digits and dashes'),
      version: z.string(),
      /** Where it is installed, below the home. */
      folder: z.string(),
      permissions: z.array(z.string()),
      /** SHA-256 of every file of it; a plugin that changed is not loaded. */
      integrity: z.string(),
      config: z.json().optional(),
    })
    .refine(({ id, folder }) => folder.startsWith(`plugins/${id}/`) && !folder.split('/').includes('..'), {
      path: ['folder'],
      message: 'is where "genie plugin add" puts it: plugins/<id>/…, which its integrity is about',
    }),
);

export type PluginSettings = z.output<typeof pluginsSchema>[number];
