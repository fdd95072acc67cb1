import { readGenieFile, writeGenieFile } from '@genie/core/home';
import type { Source } from '@genie/core/ports';
import { secretsOf } from '../../archive/find-secret.ts';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { usageError } from '../../cli/usage-error.ts';
import { type McpServerSettings, type McpSettings, mcpSettingsSchema } from '../mcp-settings.ts';
import { prepareProgram } from '../program-grants.ts';
import { describeConnection, printConnection } from './describe-connection.ts';
import { findMcpHome } from './mcp-home.ts';
import { tryServer } from './try-server.ts';

/** `genie mcp add`: connects once, shows what the server offers, and keeps exactly that as accepted. */
export async function add(context: CommandContext): Promise<ExitCode> {
  const { terminal, flags } = context;
  const home = findMcpHome(context);
  const [name, ...words] = home.rest;
  if (name === undefined)
    throw usageError('Name the server: genie mcp add [GENIE] SERVER (--url URL | -- PROGRAM ARGUMENT…)');
  if (Object.hasOwn(home.servers, name))
    throw usageError(`There is an MCP server ${name} already. Remove it first: genie mcp remove ${name}`);
  const server = readServer(context, name, words);
  const sources = flags.texts('source').map((uri): Source => ({ kind: 'mcp', location: `${name}/${uri}` }));
  const { home: folder } = home;
  const { openMcpStore } = await import('@genie/tools/mcp');
  // Whatever an earlier server of this name offered says nothing about this one.
  await openMcpStore({ dir: `${folder}/mcp/accepted` }).forget(name);
  const open = await tryServer(context, home, { name, server });
  try {
    const found = describeConnection(open.connection, server);
    for (const { location } of sources) await tryReading(open.connection, location);
    const file = readGenieFile(folder);
    const mcp = { ...(file.mcp as McpSettings | undefined), [name]: withoutDefaults(server) };
    writeGenieFile(folder, {
      ...file,
      mcp,
      ...(sources.length > 0 ? { sources: [...(file.sources ?? []), ...sources] } : {}),
    });
    terminal.printJson({ added: name, server: withoutDefaults(server), sources, ...found });
    terminal.print(
      `Added ${terminal.style.bold(name)}. What it offers now is accepted; a tool that changes waits for you.`,
    );
    printConnection(terminal, found);
    for (const path of [...server.read, ...server.write])
      terminal.print(terminal.style.dim(`  may ${server.write.includes(path) ? 'write' : 'read'} ${path}`));
    return exitCodes.ok;
  } finally {
    await open.close();
  }
}

async function tryReading(connection: Parameters<typeof describeConnection>[0], location: string): Promise<void> {
  const { createDocumentReader } = await import('../document-reader.ts');
  const reader = createDocumentReader((name) => (name === connection.name ? connection : undefined));
  await reader.fingerprint({ kind: 'mcp', location }, AbortSignal.timeout(30_000));
}

function readServer(context: CommandContext, name: string, words: readonly string[]): McpServerSettings {
  const { flags, workingFolder, environment } = context;
  const url = flags.text('url');
  if ((url === undefined) === (words.length === 0))
    throw usageError(
      'Say what the server is: --url URL, or a program after two dashes: genie mcp add notes -- PROGRAM ARGUMENT…',
    );
  const program =
    url === undefined ? prepareProgram(words, { workingFolder, path: environment.PATH ?? '' }) : undefined;
  if (url === undefined && !program)
    throw usageError(`The program ${JSON.stringify(words[0])} is not found or not executable.`);
  const sandbox = flags.choice('sandbox') ?? true;
  const absolute = (path: string): string => (path.startsWith('/') ? path : `${workingFolder}/${path}`);
  const written = {
    ...(program
      ? { command: program.command, read: [...(sandbox ? program.read : []), ...flags.texts('read').map(absolute)] }
      : { url }),
    write: flags.texts('write').map(absolute),
    env: Object.fromEntries(flags.texts('env').map((text) => [text.split('=')[0], text.split('=')[1] ?? text])),
    set: Object.fromEntries(flags.texts('set').map((text) => plainValue(text, context))),
    network: flags.texts('network'),
    sandbox,
    sampling: flags.on('sampling'),
    explore: flags.on('explore'),
    ...given('tokenFrom', flags.text('token-from')),
    ...given('approval', flags.text('approval')),
    ...given('tools', flags.texts('tools').length > 0 ? flags.texts('tools') : undefined),
  };
  const parsed = mcpSettingsSchema.safeParse({ [name]: written });
  const server = parsed.data?.[name];
  if (server) return server;
  const issue = parsed.error?.issues[0];
  throw usageError(
    `The MCP server ${JSON.stringify(name)} cannot be added: ${issue?.path.slice(1).join('.') || 'name'}: ${issue?.message}.`,
  );
}

/** A value that is a secret of this environment, or is named like one, belongs into `--env`: `genie.json` is copied and shared. */
function plainValue(text: string, { environment }: CommandContext): readonly [string, string] {
  const cut = text.indexOf('=');
  if (cut < 1) throw usageError(`--set ${JSON.stringify(text)}: write NAME=VALUE.`);
  const [name, value] = [text.slice(0, cut), text.slice(cut + 1)];
  const secret = secretsOf({ ...environment, [name]: value }).find((one) => one.value.toString() === value);
  if (secret)
    throw usageError(`--set ${name}: that looks like a secret, and genie.json holds none. Use --env ${name}.`);
  return [name, value];
}

function withoutDefaults(server: McpServerSettings): Partial<McpServerSettings> {
  const defaults: Partial<Record<keyof McpServerSettings, unknown>> = {
    sandbox: true,
    sampling: false,
    explore: false,
    approval: 'writes',
  };
  const isDefault = ([key, value]: [string, unknown]): boolean =>
    value === undefined ||
    value === defaults[key as keyof McpServerSettings] ||
    (key !== 'tools' && typeof value === 'object' && Object.keys(value as object).length === 0);
  return Object.fromEntries(Object.entries(server).filter((entry) => !isDefault(entry)));
}

function given<Key extends string>(key: Key, value: unknown): { readonly [Name in Key]?: unknown } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [Name in Key]?: unknown });
}
