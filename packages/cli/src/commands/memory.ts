import type { Memory } from '@genie/memory';
import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { didYouMean } from '../lib/cli/suggest.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { findHome } from '../lib/homes/find-home.ts';

const questions = ['search', 'list', 'show', 'stats'] as const;
const changes = ['forget', 'consolidate', 'verify', 'export', 'import'] as const;
const actions = [...questions, ...changes] as const;
type Action = (typeof actions)[number];

export const command: Command = {
  name: 'memory',
  summary: 'search, list, forget and move what a genie remembers',
  usage:
    'memory [NAME] search QUERY… | list [TIER_OR_KIND] | show ID | stats | forget [ID…] | consolidate | verify | export | import FILE',
  description:
    'forget says first what would go and asks; without a terminal it needs --yes. What was forgotten stays forgotten: learning or importing ' +
    'the same again does not bring it back. An encrypted memory opens with the passphrase in GENIE_MEMORY_PASSPHRASE.',
  flags: {
    limit: { type: 'number', value: 'N', help: 'how many to print (default 10 for search, 50 for list)' },
    explain: { type: 'boolean', help: 'search: the parts of each score, and where the memory comes from' },
    speaker: { type: 'text', value: 'WHO', repeatable: true, help: 'search: only what these people said' },
    kind: { type: 'text', value: 'KIND', repeatable: true, help: 'search: only these kinds or tiers' },
    from: { type: 'text', value: 'TIME', help: 'search, forget: not before this time (2026-03-01)' },
    to: { type: 'text', value: 'TIME', help: 'search, forget: not after this time' },
    namespace: { type: 'text', value: 'NAME', help: 'another collection than the memory of the genie itself' },
    all: { type: 'boolean', help: 'list: what was superseded or merged too; forget: everything in the namespace' },
    query: { type: 'text', value: 'WORDS', help: 'forget: every memory that has all of these words' },
    source: { type: 'text', value: 'SOURCE', help: 'forget: everything from this source' },
    subject: { type: 'text', value: 'WHO', help: 'forget: every fact about this subject' },
    run: { type: 'text', value: 'RUN', help: 'forget: everything that this run learnt' },
    'dry-run': { type: 'boolean', help: 'forget: say what would go, change nothing' },
    yes: { type: 'boolean', short: 'y', help: 'forget: do not ask' },
    undo: { type: 'text', value: 'OPERATION', help: 'consolidate: take back an earlier one' },
    budget: { type: 'number', value: 'MS', help: 'consolidate: how long it may take (default 5000)' },
    output: { type: 'text', value: 'FILE', help: 'export: a new file instead of the terminal' },
  },
  examples: [
    ['genie memory search release notes --explain', 'what bears on these words, and why'],
    ['genie memory news list episodic', 'one tier: core, associative, episodic, proactive, knowledge'],
    ['genie memory news show mem_01h…', 'one memory with where it comes from'],
    ['genie memory news forget --source chat/7 --dry-run', 'what would be forgotten'],
    ['genie memory news export --output news.jsonl', 'everything as JSON lines; import reads them'],
  ],
  stopsByItself: true,
  async run(context) {
    const found = findHome(context, { nameIsOptional: true });
    const [word = 'stats', ...rest] = found.rest;
    if (!isAction(word)) {
      throw usageError(`genie memory knows no "${word}": use ${actions.join(', ')}.${didYouMean(word, actions)}`);
    }
    const [{ withStore }, { storeChoice }] = await Promise.all([
      import('../lib/compose/open-store.ts'),
      import('../lib/compose/store-reference.ts'),
    ]);
    return withStore(found.home, storeChoice(context), async (store) => {
      const memory = await store.openMemory();
      try {
        return await act(memory, word, rest, context);
      } finally {
        await memory.close();
      }
    });
  },
};

function isAction(word: string): word is Action {
  return (actions as readonly string[]).includes(word);
}

async function act(
  memory: Memory,
  action: Action,
  rest: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  switch (action) {
    case 'forget':
      return (await import('./memory-forget.ts')).forgetMemories(memory, rest, context);
    case 'consolidate':
    case 'verify':
      return (await import('./memory-care.ts'))[action](memory, context);
    case 'export':
      return (await import('./memory-transfer.ts')).exportMemories(memory, context);
    case 'import':
      return (await import('./memory-transfer.ts')).importMemories(memory, rest, context);
    default: {
      const { showMemories } = await import('../print/memories.ts');
      await showMemories(memory, { action, rest, all: context.flags.on('all') }, context);
      return exitCodes.ok;
    }
  }
}
