import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { describeConnection, printConnection } from './describe-connection.ts';
import { chooseServer, findMcpHome } from './mcp-home.ts';
import { tryServer } from './try-server.ts';

/** `genie mcp inspect`: connects to one server and shows what it offers now. */
export async function inspect(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const home = findMcpHome(context);
  const { name, server } = chooseServer(home, 'inspect');
  const open = await tryServer(context, home, { name, server });
  try {
    const found = describeConnection(open.connection, server);
    terminal.printJson({ name, ...found });
    terminal.print(terminal.style.bold(name));
    printConnection(terminal, found);
    return exitCodes.ok;
  } finally {
    await open.close();
  }
}
