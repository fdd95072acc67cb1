import type { Command } from '../lib/cli/command.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { addFlags } from '../lib/mcp/commands/add-flags.ts';
import { chainFlags } from '../lib/mcp/commands/chain-flags.ts';
import { exploreFlags } from '../lib/mcp/commands/explore-flags.ts';
import { serveFlags } from '../lib/mcp/commands/serve-flags.ts';

type Action = Command['run'];

/** Loaded when it is called: a client that starts `serve` waits for every module. */
const actions: Readonly<Record<string, () => Promise<Action>>> = {
  serve: async () => (await import('../lib/mcp/commands/serve.ts')).serve,
  add: async () => (await import('../lib/mcp/commands/add.ts')).add,
  list: async () => (await import('../lib/mcp/commands/list.ts')).list,
  inspect: async () => (await import('../lib/mcp/commands/inspect.ts')).inspect,
  remove: async () => (await import('../lib/mcp/commands/remove.ts')).remove,
  explore: async () => (await import('../lib/mcp/commands/explore.ts')).explore,
  chains: async () => (await import('../lib/mcp/commands/chains.ts')).chains,
  doctor: async () => (await import('../lib/mcp/commands/doctor.ts')).doctor,
};

export const command: Command = {
  name: 'mcp',
  summary: 'serve a genie to MCP clients, and give it MCP servers',
  usage: `mcp ${Object.keys(actions).join('|')} [GENIE] [SERVER] [options]`,
  description:
    'serve gives any MCP client (an editor, another agent) the tools of one genie: run it, talk to it, read its briefings, search its memory, decide what it asks. ' +
    'add connects to an MCP server once, shows what it offers and keeps exactly that as accepted; its program runs in a sandbox with what you grant it. ' +
    'list, inspect, remove and doctor are about those servers; explore calls what only reads, once, and keeps what each tool did; chains shows which tools are called one after the other again and again, and makes a playbook of those you accept.',
  flags: { ...serveFlags, ...addFlags, ...chainFlags, ...exploreFlags },
  examples: [
    ['genie mcp serve news --stdio', 'the command to enter in a client'],
    ['genie mcp serve news --http 8710 --token "$TOKEN"', 'for clients that connect to an address'],
    [
      'genie mcp add news notes --read ~/notes -- mcp-server-filesystem ~/notes',
      'give a genie a server that is a program',
    ],
    ['genie mcp add news issues --url https://mcp.example.com --token-from ISSUES_TOKEN', 'or one at an address'],
    ['genie mcp chains news --accept 0a1b2c3d4e5f', 'plan with what the genie did again and again'],
    ['genie mcp explore news notes --calls 5', 'see what its tools answer'],
    ['genie mcp doctor news', 'start each server and say what is in the way'],
  ],
  stopsByItself: true,
  async run(context) {
    const [name = ''] = context.positionals;
    const load = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!load)
      throw usageError(
        `genie mcp knows ${Object.keys(actions).join(', ')}; received ${JSON.stringify(name)}. See: genie mcp --help`,
      );
    const action = await load();
    return action(context);
  },
};
