import type { Approval, Approvals } from '@genie/core/ports';
import type { CommandContext } from '../../cli/command.ts';
import { type OpenServer, openServer } from '../open-server.ts';
import type { McpHome, NamedServer } from './mcp-home.ts';

/**
 * Connects as a run would, once and without asking anybody. It offers the server the same abilities: some servers show other
 * tools to a client that can ask its user.
 */
export async function tryServer(
  { environment, signal }: Pick<CommandContext, 'environment' | 'signal'>,
  { home, genieId }: Pick<McpHome, 'home' | 'genieId'>,
  { name, server }: NamedServer,
): Promise<OpenServer> {
  const model = server.sampling ? (await import('@genie/inference')).resolveModel('offline') : undefined;
  const approvals = refuseEverything();
  return openServer({
    home,
    genieId,
    name,
    server,
    environment,
    signal,
    approvals,
    model,
    connect: { maxAttempts: 1 },
  });
}

/** Answers no and keeps nothing. */
function refuseEverything(): Approvals {
  const refused = (action: Approval['action'], title: string): Approval => ({
    id: 'unasked',
    status: 'denied',
    action,
    actionHash: '',
    title,
    requestedAt: 0,
    expiresAt: 0,
  });
  const nothing = { kind: 'mcp', genieId: '', subject: '', payload: {} } as const;
  return {
    grants: {
      list: async () => [],
      add: () => Promise.reject(new Error('nothing is granted here')),
      revoke: async () => false,
    },
    list: async () => [],
    request: async ({ action, title }) => refused(action, title),
    get: async () => undefined,
    consume: async () => false,
    decide: async () => refused(nothing, ''),
    wait: async () => refused(nothing, ''),
    close: async () => undefined,
  };
}
