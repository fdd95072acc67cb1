import type { Command, CommandContext } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { findHome } from '../lib/homes/find-home.ts';
import { homeWords } from '../lib/running/home-words.ts';

export const command: Command = {
  name: 'feedback',
  summary: 'tell a genie what a briefing was worth',
  usage: 'feedback [NAME] [ITEM] [--up | --down | --stars N | --irrelevant | --text TEXT]',
  description:
    'Without a judgement it lists the items of the latest briefing with their numbers. Judgements count in the KPIs that ask for them, ' +
    'are remembered, and rank the next briefing: liked sources first, disliked ones last, each with the reason.',
  flags: {
    up: { type: 'boolean', help: 'it was worth reading' },
    down: { type: 'boolean', help: 'it was not' },
    stars: { type: 'number', value: '1-5', help: 'one to five stars' },
    irrelevant: { type: 'boolean', help: 'this item has nothing to do with the goal' },
    text: { type: 'text', value: 'TEXT', help: 'in your own words' },
    run: { type: 'text', value: 'RUN', help: 'another run than the latest one with a briefing' },
  },
  examples: [
    ['genie feedback news', 'the items of the latest briefing, with their numbers'],
    ['genie feedback news 2 --irrelevant', 'item 2 is not what I am looking for'],
    ['genie feedback news --stars 4', 'the briefing as a whole'],
    ['genie feedback news --text "Only flats with a balcony, please."', 'free text, kept in memory'],
  ],
  maxPositionals: 2,
  async run(context) {
    const found = findHome(context, { nameIsOptional: true });
    const [{ openHomeMetrics }, { storeChoice }, work, views] = await Promise.all([
      import('../lib/metrics/open-home-metrics.ts'),
      import('../lib/compose/store-reference.ts'),
      import('../lib/metrics/give-feedback.ts'),
      import('../print/feedback.ts'),
    ]);
    const kind = readKind(context);
    const open = await openHomeMetrics(found.home, { ...storeChoice(context), remembers: true });
    try {
      const briefed = await work.findBriefing(open, context.flags.text('run'));
      if (kind === undefined) {
        await views.showItems(briefed, { metrics: open.metrics, words: homeWords(context, found) }, context.terminal);
        return exitCodes.ok;
      }
      const stored = await open.metrics.feedback(
        work.toFeedback(kind, { briefed, item: found.rest[0], file: open.file }),
      );
      views.showStored(stored, context.terminal);
      return exitCodes.ok;
    } finally {
      await open.close();
    }
  },
};

function readKind({ flags }: CommandContext): import('../lib/metrics/give-feedback.ts').Judgement | undefined {
  const stars = flags.number('stars');
  const text = flags.text('text');
  const given = [
    ...(flags.on('up') ? [{ kind: 'thumbs', up: true } as const] : []),
    ...(flags.on('down') ? [{ kind: 'thumbs', up: false } as const] : []),
    ...(flags.on('irrelevant') ? [{ kind: 'irrelevant' } as const] : []),
    ...(stars === undefined ? [] : [{ kind: 'stars', stars } as const]),
    ...(text === undefined ? [] : [{ kind: 'text', text } as const]),
  ];
  if (given.length > 1)
    throw usageError('Give one judgement at a time: --up, --down, --stars, --irrelevant or --text.');
  return given[0];
}
