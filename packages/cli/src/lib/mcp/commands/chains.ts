import type { JsonValue } from '@genie/core/ports';
import type { Playbooks } from '@genie/tools';
import type { ChainCall, ToolChain } from '@genie/tools/mcp';
import { plainLine } from '../../../print/style.ts';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { didYouMean } from '../../cli/suggest.ts';
import { usageError } from '../../cli/usage-error.ts';
import { type LoggedEvent, readEvents } from '../../watching/read-events.ts';
import { mcpFolder } from '../mcp-folder.ts';
import { findMcpHome } from './mcp-home.ts';

/**
 * `genie mcp chains`: what a genie's runs did again and again, as candidates for playbooks and skills. `--accept` and `--refuse`
 * decide about one of them. Starts nothing.
 */
export async function chains(context: CommandContext): Promise<ExitCode> {
  const { flags } = context;
  const { home, genieId } = findMcpHome(context);
  const [{ findToolChains }, { openPlaybooks }] = await Promise.all([
    import('@genie/tools/mcp'),
    import('@genie/tools'),
  ]);
  const found = findToolChains(callsOf(readEvents(home).events));
  const playbooks = openPlaybooks({ dir: mcpFolder(home) });
  const [accept, refuse] = [flags.text('accept'), flags.text('refuse')];
  if (accept !== undefined && refuse !== undefined) throw usageError('Say --accept or --refuse, one chain at a time.');
  const id = accept ?? refuse;
  if (id === undefined) return show(context, found, playbooks);
  const chain = found.find((one) => one.id === id);
  if (!chain)
    throw usageError(
      `There is no chain ${JSON.stringify(id)}.${didYouMean(
        id,
        found.map((one) => one.id),
      )}`,
    );
  const verdict = accept === undefined ? 'refuse' : 'accept';
  const { withStore } = await import('../../compose/open-store.ts');
  await withStore(home, { environment: context.environment, store: undefined }, ({ approvals }) =>
    playbooks.decide({ chain, verdict, genieId, by: 'cli', approvals }),
  );
  context.terminal.printJson({ chain: id, verdict });
  context.terminal.print(
    verdict === 'accept'
      ? `${id} is a playbook: plans are made with it from now on.`
      : `${id} is refused and not shown again.`,
  );
  return exitCodes.ok;
}

async function show(
  { terminal }: CommandContext,
  found: readonly ToolChain[],
  playbooks: Playbooks,
): Promise<ExitCode> {
  const decided = await Promise.all(
    found.map(async (chain) => ({ chain, verdict: await playbooks.verdictOn(chain.id) })),
  );
  const shown = decided.filter(({ verdict }) => verdict !== 'refused');
  terminal.printJson({
    chains: shown.map(({ chain, verdict }) => ({ ...chain, accepted: verdict === 'accepted' })),
    refused: decided.length - shown.length,
  });
  if (shown.length === 0) terminal.print('No chain of tools was repeated three times yet.');
  for (const { chain, verdict } of shown) {
    const { worth, id, times, runs, steps } = chain;
    const is = verdict === 'accepted' ? ' · accepted' : '';
    terminal.print(`${terminal.style.bold(worth)} ${id} · ${times} times in ${runs} runs${is}`);
    for (const [index, step] of steps.entries()) terminal.print(`  ${index + 1}. ${plainLine(stepLine(step))}`);
  }
  return exitCodes.ok;
}

function stepLine({ tool, fixed, fromStep, parameters }: ToolChain['steps'][number]): string {
  const parts = [
    ...Object.entries(fixed).map(([name, value]) => `${name}=${JSON.stringify(value).slice(0, 60)}`),
    ...Object.entries(fromStep).map(([name, step]) => `${name} from step ${step + 1}`),
    ...parameters.map((name) => `${name}?`),
  ];
  return `${tool}(${parts.join(', ')})`;
}

type CallEvent = LoggedEvent & {
  readonly callId?: string;
  readonly tool?: string;
  readonly input?: JsonValue;
  readonly output?: JsonValue;
};

/** Calls that succeeded, in the order they were made. */
function callsOf(events: readonly LoggedEvent[]): readonly ChainCall[] {
  const outputs = new Map<string, JsonValue>();
  const keyOf = ({ runId, callId }: CallEvent): string => `${runId} ${callId}`;
  for (const event of events as readonly CallEvent[])
    if (event.type === 'tool.completed') outputs.set(keyOf(event), event.output ?? null);
  return (events as readonly CallEvent[]).flatMap((event) => {
    const { type, runId, tool, input = null } = event;
    const output = outputs.get(keyOf(event));
    const isDone = type === 'tool.called' && runId !== undefined && tool !== undefined && output !== undefined;
    return isDone ? [{ runId, tool, input, output }] : [];
  });
}
