import type { Command } from '../lib/cli/command.ts';
import { didYouMean } from '../lib/cli/suggest.ts';
import { usageError } from '../lib/cli/usage-error.ts';

type Action = Command['run'];

const actions: Readonly<Record<string, () => Promise<Action>>> = {
  new: async () => (await import('../lib/plugins/new-plugin.ts')).newPlugin,
  check: async () => (await import('../lib/plugins/check.ts')).check,
  add: async () => (await import('../lib/plugins/add.ts')).add,
  list: async () => (await import('../lib/plugins/list.ts')).list,
  remove: async () => (await import('../lib/plugins/remove.ts')).remove,
};

export const command: Command = {
  name: 'plugin',
  summary: 'write, check and install plugins: tools from npm packages',
  usage: 'plugin new ID [--to DIR] | check FOLDER | add [GENIE] FOLDER_OR_PACKAGE | list [GENIE] | remove [GENIE] ID',
  description:
    'new writes a small plugin that passes its kit. check says what a plugin wants, what its code could do and whether it works. ' +
    'add shows that, asks for your approval of exactly these files and permissions, runs the kit and installs it in the home of one genie, ' +
    'where it runs in a process of its own that gets nothing else. A plugin whose files change later is not loaded.',
  flags: {
    to: { type: 'text', value: 'DIR', help: 'new: where to write it (default: a folder of its name)' },
    config: { type: 'text', value: 'JSON', help: 'check, add: its configuration' },
    yes: { type: 'boolean', short: 'y', help: 'add: approve what it wants without being asked' },
  },
  examples: [
    ['genie plugin new words', 'start one'],
    ['genie plugin check ./words', 'what it wants and whether it works'],
    ['genie plugin add news ./words', 'approve and install it'],
  ],
  stopsByItself: true,
  maxPositionals: 3,
  async run(context) {
    const [name = ''] = context.positionals;
    const names = Object.keys(actions);
    const load = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!load)
      throw usageError(
        `genie plugin knows ${names.join(', ')}; received ${JSON.stringify(name)}.${didYouMean(name, names)}`,
      );
    const action = await load();
    return action({ ...context, positionals: context.positionals.slice(1) });
  },
};
