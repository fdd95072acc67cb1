import type { JsonValue } from '@genie/core/ports';
import type { ChainCall, ToolChain } from '@genie/tools/mcp';
import { plainLine } from '../../../print/style.ts';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { type LoggedEvent, readEvents } from '../../watching/read-events.ts';
import { findMcpHome } from './mcp-home.ts';

/** `genie mcp chains`: what a genie's runs did again and again, as candidates for playbooks and skills. Starts nothing. */
export async function chains(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const { home } = findMcpHome(context);
  const { findToolChains } = await import('@genie/tools/mcp');
  const found = findToolChains(callsOf(readEvents(home).events));
  terminal.printJson({ chains: found });
  if (found.length === 0) terminal.print('No chain of tools was repeated three times yet.');
  for (const chain of found) {
    terminal.print(`${terminal.style.bold(chain.worth)} ${chain.id} · ${chain.times} times in ${chain.runs} runs`);
    for (const [index, step] of chain.steps.entries()) terminal.print(`  ${index + 1}. ${plainLine(stepLine(step))}`);
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
