import { z } from 'zod';

const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'use the name of an environment variable');
const folder = z.string().startsWith('/', 'use an absolute path');

const serverSchema = z
  .strictObject({
    /** Program and arguments of a server that speaks over its pipes. Either this or `url`. */
    command: z.array(z.string().min(1)).min(1).optional(),
    url: z.url({ protocol: /^https?$/ }).optional(),
    /** Its environment by reference: name for the server → name of the variable that holds the value when the genie runs. */
    env: z.record(variable, variable).default({}),
    /** Values of its environment that are no secret. */
    set: z.record(variable, z.string()).default({}),
    /** Name of the variable that holds the bearer token for `url`. */
    tokenFrom: variable.optional(),
    /** Files and folders that the program may read, beside its own folder. */
    read: z.array(folder).default([]),
    /** Folders that it may also write to. */
    write: z.array(folder).default([]),
    /** Hosts that the program may reach; as in `egress.allow`. A server at a `url` is reached there only. */
    network: z.array(z.string().min(1)).default([]),
    /** False runs the program as the user of the runtime, with nothing around it. */
    sandbox: z.boolean().default(true),
    /** Names of the tools that are offered to the genie; `*` stands for any letters. Default: all. */
    tools: z.array(z.string().min(1)).optional(),
    /** Before which calls the user is asked: those that change something (once for each tool), all of them, none. */
    approval: z.enum(['writes', 'always', 'never']).default('writes'),
    /** May the server put questions to the genie's model? They cost the user's money. */
    sampling: z.boolean().default(false),
    /** Does `genie watch` try the tools that only read, at most once a day, while no run is going on? */
    explore: z.boolean().default(false),
  })
  .refine(({ command, url }) => (command === undefined) !== (url === undefined), 'give either command or url')
  .refine(({ tokenFrom, url }) => tokenFrom === undefined || url !== undefined, 'tokenFrom is for a url')
  .refine(({ sandbox, network, url }) => sandbox || url !== undefined || network.length === 0, {
    message: 'network holds only inside the sandbox',
  });

/** The member `mcp` of `genie.json`: servers by the name that their tools get as a prefix. */
export const mcpSettingsSchema = z.record(
  z.string().regex(/^[A-Za-z0-9_-]{1,24}$/, 'use 1 to 24 letters, digits, "_" or "-"'),
  serverSchema,
);

export type McpServerSettings = z.output<typeof serverSchema>;
export type McpSettings = Readonly<Record<string, McpServerSettings>>;
