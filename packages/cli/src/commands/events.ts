import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { findHome } from '../lib/homes/find-home.ts';

export const command: Command = {
  name: 'events',
  summary: 'print what happens in a genie',
  usage: 'events [NAME] [--follow] [options]',
  description:
    'Reads the event log of the home (the newest 4 to 8 MiB, without texts as they stream), also while another process writes it.',
  flags: {
    follow: { type: 'boolean', short: 'f', help: 'go on until Ctrl-C' },
    last: { type: 'number', value: 'N', help: 'how many to begin with (default 50)' },
    type: {
      type: 'text',
      value: 'TYPE',
      repeatable: true,
      help: 'only these, e.g. tool.failed; tool. takes all of tool',
    },
    run: { type: 'text', value: 'RUN', help: 'only those of one run' },
  },
  examples: [
    ['genie events --follow', 'watch a genie that runs in another terminal'],
    ['genie events news --type egress. --json', 'what it reached, one JSON object a line'],
  ],
  stopsByItself: true,
  maxPositionals: 1,
  async run(context) {
    const { flags, terminal, signal } = context;
    const found = findHome(context);
    const [{ readGenieFile }, { readEvents, followEvents }, { eventLine }] = await Promise.all([
      import('@genie/core/home'),
      import('../lib/watching/read-events.ts'),
      import('../print/event.ts'),
    ]);
    readGenieFile(found.home);
    const [types, runId] = [flags.texts('type'), flags.text('run')];
    const matches = (event: { readonly type: string; readonly runId?: string }): boolean =>
      (types.length === 0 ||
        types.some((type) => event.type === type || (type.endsWith('.') && event.type.startsWith(type)))) &&
      (runId === undefined || event.runId === runId);
    const show = (event: Parameters<typeof eventLine>[0]): void => {
      terminal.printJson(event);
      terminal.print(eventLine(event, terminal));
    };
    const { events, position } = readEvents(found.home);
    for (const event of events.filter(matches).slice(-(flags.positive('last') ?? 50))) show(event);
    if (!flags.on('follow')) return exitCodes.ok;
    for await (const event of followEvents(found.home, { position, signal })) if (matches(event)) show(event);
    return exitCodes.ok;
  },
};
