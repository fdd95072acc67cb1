import type { Command, CommandContext } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { findHome } from '../lib/homes/find-home.ts';

export const command: Command = {
  name: 'mcp',
  summary: 'serve a genie to MCP clients',
  usage: 'mcp serve [NAME] (--stdio | --http PORT) [options]',
  description:
    'Gives any MCP client (an editor, another agent) the tools of one genie: run it, talk to it, read its briefings, search its memory, decide what it asks. Runs until the client leaves or Ctrl-C.',
  flags: {
    stdio: { type: 'boolean', help: 'speak over standard input and output, for clients that start servers themselves' },
    http: { type: 'number', value: 'PORT', help: 'serve Streamable HTTP on this port of 127.0.0.1 (0: any free one)' },
    token: { type: 'text', value: 'TOKEN', help: 'the bearer token that HTTP clients have to bring' },
  },
  examples: [
    ['genie mcp serve news --stdio', 'the command to enter in a client'],
    ['genie mcp serve news --http 8710 --token "$TOKEN"', 'for clients that connect to an address'],
  ],
  stopsByItself: true,
  maxPositionals: 2,
  async run(context) {
    const [action, name] = context.positionals;
    if (action !== 'serve')
      throw usageError(`genie mcp knows "serve"; received ${JSON.stringify(action ?? '')}. See: genie mcp --help`);
    const serve = readPlace(context);
    const found = findHome({ ...context, positionals: name === undefined ? [] : [name] });
    const [{ openGenie }, { runMcpServe }] = await Promise.all([import('../compose.ts'), import('@genie/tools/mcp')]);
    const { environment, signal, terminal } = context;
    await using open = await openGenie({ home: found.home, environment, signal });
    const { genie, memory, metrics } = open;
    // Standard output belongs to the protocol: whatever people should read goes to standard error.
    const onError = (error: Error) => terminal.note(error.message);
    await using serving = await runMcpServe({ genie, memory, metrics, version: context.version, serve, onError });
    if (serving.url !== undefined) terminal.note(`Serving ${genie.goal} at ${serving.url}`);
    const stop = () => void serving.close();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await serving.ended;
    signal.removeEventListener('abort', stop);
    return signal.aborted && serve !== 'stdio' ? exitCodes.cancelled : exitCodes.ok;
  },
};

function readPlace({ flags }: CommandContext): 'stdio' | { readonly port: number; readonly token?: string } {
  const port = flags.number('http');
  const token = flags.text('token');
  if (flags.on('stdio') === (port !== undefined)) throw usageError('Say where to serve: --stdio, or --http PORT.');
  if (port === undefined) return 'stdio';
  return token === undefined ? { port } : { port, token };
}
