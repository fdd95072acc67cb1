import { join } from 'node:path';
import type { GenieFile } from '@genie/core/home';
import type { CommandContext } from '../../cli/command.ts';
import { type ExitCode, exitCodes } from '../../cli/exit-codes.ts';
import { usageError } from '../../cli/usage-error.ts';
import { findHome } from '../../homes/find-home.ts';
import { tellWarning } from '../../running/tell-warning.ts';
import { createLazyGenie } from '../lazy-genie.ts';

/** `genie mcp serve`: one genie for MCP clients, until the client leaves or Ctrl-C. */
export async function serve(context: CommandContext): Promise<ExitCode> {
  const { environment, signal, terminal, version } = context;
  const place = readPlace(context);
  const { home } = findHome({ ...context, positionals: context.positionals.slice(1) });
  const [{ folderArtifacts, runMcpServe }, { goal }] = await Promise.all([import('@genie/tools/mcp'), readGoal(home)]);
  // The home is opened by the first call that needs it and given back when it was not needed for a while: a client keeps
  // its servers running all day, and a schedule has to get at the home too.
  await using lazy = createLazyGenie({
    goal,
    open: async () =>
      (await import('../../../compose.ts')).openGenie({
        home,
        environment,
        store: context.flags.text('store'),
        onWarning: tellWarning(terminal),
        signal,
      }),
  });
  // Standard output belongs to the protocol: whatever people should read goes to standard error.
  const onError = (error: Error) => terminal.note(error.message);
  const artifacts = folderArtifacts({ dir: join(home, 'artifacts') });
  await using serving = await runMcpServe({ lazy, artifacts, version, serve: place, onError });
  if (serving.url !== undefined) terminal.note(`Serving ${goal} at ${serving.url}`);
  const stop = () => void serving.close();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await serving.ended;
  signal.removeEventListener('abort', stop);
  return signal.aborted && place !== 'stdio' ? exitCodes.cancelled : exitCodes.ok;
}

async function readGoal(home: string): Promise<Pick<GenieFile, 'goal'>> {
  const { readGenieFile } = await import('@genie/core/home');
  return readGenieFile(home);
}

function readPlace({ flags }: CommandContext): 'stdio' | { readonly port: number; readonly token?: string } {
  const port = flags.number('http');
  const token = flags.text('token');
  if (flags.on('stdio') === (port !== undefined)) throw usageError('Say where to serve: --stdio, or --http PORT.');
  if (port === undefined) return 'stdio';
  return token === undefined ? { port } : { port, token };
}
