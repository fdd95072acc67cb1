import type { Command, CommandContext } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { didYouMean } from '../lib/cli/suggest.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { findHome } from '../lib/homes/find-home.ts';

const actions = ['search', 'list', 'show', 'stats'] as const;
type Action = (typeof actions)[number];

export const command: Command = {
  name: 'memory',
  summary: 'search, list and show what a genie remembers',
  usage: 'memory [NAME] search QUERY… | list [TIER_OR_KIND] | show ID | stats',
  flags: {
    limit: { type: 'number', value: 'N', help: 'how many to print (default 10 for search, 50 for list)' },
    all: { type: 'boolean', help: 'list what was superseded or merged too' },
  },
  examples: [
    ['genie memory search release notes', 'what bears on these words'],
    ['genie memory news list episodic', 'one tier: core, associative, episodic, proactive, knowledge'],
    ['genie memory news show mem_01h…', 'one memory with where it comes from'],
  ],
  async run(context) {
    const found = findHome(context, { nameIsOptional: true });
    const [word = 'stats', ...rest] = found.rest;
    if (!(actions as readonly string[]).includes(word)) {
      throw usageError(`genie memory knows no "${word}": use ${actions.join(', ')}.${didYouMean(word, actions)}`);
    }
    const [{ homeFolders, readGenieFile }, { openMemory }, views] = await Promise.all([
      import('@genie/core/home'),
      import('@genie/memory'),
      import('../print/memories.ts'),
    ]);
    readGenieFile(found.home);
    const memory = openMemory({ dir: homeFolders(found.home).memory });
    try {
      const limit = context.flags.positive('limit');
      await views.showMemories(
        memory,
        { action: word as Action, rest, limit, all: context.flags.on('all') },
        context as CommandContext,
      );
      return exitCodes.ok;
    } finally {
      await memory.close();
    }
  },
};
