import { toErrorRecord } from '@genie/core/errors';
import { checkLines } from '../../../print/checks.ts';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import type { Check } from '../../diagnosis/check.ts';
import { chooseServer, findMcpHome, type McpHome, type NamedServer } from './mcp-home.ts';
import { tryServer } from './try-server.ts';

/** `genie mcp doctor`: starts each server as a run would and says what is in the way. Exit code 1 when one cannot be used. */
export async function doctor(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const home = findMcpHome(context);
  const named =
    home.rest.length > 0
      ? [chooseServer(home, 'doctor')]
      : Object.entries(home.servers).map(([name, server]) => ({ name, server }));
  const checks: Check[] = [];
  for (const one of named) checks.push(...(await checkServer(context, home, one)));
  const isFailed = checks.some(({ status }) => status === 'fail');
  terminal.printJson({ ok: !isFailed, checks });
  if (checks.length === 0) terminal.print('No MCP servers.');
  for (const line of checkLines(checks, terminal.style)) terminal.print(line);
  return isFailed ? exitCodes.failed : exitCodes.ok;
}

async function checkServer(
  context: CommandContext,
  home: McpHome,
  { name, server }: NamedServer,
): Promise<readonly Check[]> {
  const startedAt = performance.now();
  try {
    const open = await tryServer(context, home, { name, server });
    try {
      const { connection } = open;
      const tookMs = Math.round(performance.now() - startedAt);
      const walls = server.url === undefined ? (server.sandbox ? 'in the sandbox' : 'WITHOUT a sandbox') : 'over HTTP';
      const detail = `answers ${walls} in ${tookMs} ms, MCP ${connection.protocolVersion}, ${connection.list().length} tools`;
      return [
        { name, status: server.url === undefined && !server.sandbox ? 'warn' : 'ok', detail },
        ...connection.withheld.map(
          (tool): Check => ({
            name,
            status: 'warn',
            detail: `its tool ${tool.name} is not offered: ${tool.reason}`,
            fix: 'A changed tool becomes an approval at the next run: genie approve',
          }),
        ),
      ];
    } finally {
      await open.close();
    }
  } catch (error) {
    const { code, message } = toErrorRecord(error, 'GENIE_MCP_UNREACHABLE');
    return [{ name, status: 'fail', detail: `${message} [${code}]` }];
  }
}
