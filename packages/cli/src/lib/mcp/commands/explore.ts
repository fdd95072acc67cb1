import { toErrorRecord } from '@genie/core/errors';
import type { ExploredTool } from '@genie/tools/mcp';
import { plainLine } from '../../../print/style.ts';
import { table } from '../../../print/table.ts';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { usageError } from '../../cli/usage-error.ts';
import { exploreHomeServer } from '../explore-home-server.ts';
import { chooseServer, findMcpHome } from './mcp-home.ts';

const reasons = {
  'not-read-only': 'may change something',
  'asks-first': 'asks you first',
  withheld: 'is not accepted',
  budget: 'is left for the next time',
  unavailable: 'was not asked: the server does not answer',
  stopped: 'was not asked: stopped',
} as const;

/**
 * `genie mcp explore`: calls what only reads and needs no guess, once, and keeps what each tool did. Exit code 1 when a server
 * cannot be used, and the others are explored all the same.
 */
export async function explore(context: CommandContext): Promise<ExitCode> {
  const { terminal, flags, signal } = context;
  const home = findMcpHome(context);
  const named =
    home.rest.length > 0
      ? home.rest.map((name) => chooseServer({ ...home, rest: [name] }, 'explore'))
      : Object.entries(home.servers).map(([name, server]) => ({ name, server }));
  const calls = flags.number('calls') ?? 10;
  if (!Number.isSafeInteger(calls) || calls < 1) throw usageError(`--calls is ${calls}: use a whole number from 1 on.`);
  const onTool = ({ tool, outcome }: ExploredTool): void => {
    if (outcome !== 'skipped' && !terminal.json) terminal.note(`  ${plainLine(tool)} ${outcome}`);
  };
  const servers: object[] = [];
  let isFailed = false;
  if (named.length === 0) terminal.print('No MCP servers.');
  for (const one of named) {
    if (signal.aborted) break;
    terminal.print(terminal.style.bold(one.name));
    try {
      const found = await exploreHomeServer({ context, home, named: one, calls, onTool });
      servers.push({ name: one.name, ...found });
      for (const line of foundLines(context, found.tools)) terminal.print(line);
    } catch (error) {
      if (signal.aborted) break;
      const { code, message } = toErrorRecord(error, 'GENIE_MCP_UNREACHABLE');
      isFailed = true;
      servers.push({ name: one.name, error: { code, message } });
      terminal.print(`  ${terminal.style.red('✗')} ${plainLine(message)} [${code}]`);
    }
  }
  terminal.printJson({ servers });
  if (signal.aborted) return exitCodes.cancelled;
  return isFailed ? exitCodes.failed : exitCodes.ok;
}

function foundLines({ terminal: { style } }: CommandContext, tools: readonly ExploredTool[]): readonly string[] {
  const rows = tools.map((found) => {
    const name = plainLine(found.tool);
    if (found.outcome === 'answers')
      return [style.green('✓'), name, `${found.tookMs} ms, ${found.sizeBytes} bytes`, sampleOf(found.sample)];
    if (found.outcome === 'fails') return [style.red('✗'), name, found.code, sampleOf(found.sample)];
    const why = found.why === 'needs-arguments' ? needsWords(found.needs) : reasons[found.why];
    return [style.dim('-'), name, style.dim(why)];
  });
  return table(rows, 2);
}

function sampleOf(sample: string): string {
  return plainLine(sample, 60);
}

function needsWords(needs: readonly string[] | undefined): string {
  return needs ? `needs ${plainLine(needs.join(', '), 60)}` : 'needs arguments';
}
