import { lstatSync } from 'node:fs';
import type { ContainmentPort, EgressContext, GenieEvent } from '@genie/core/ports';
import { type Egress, openContainment } from '@genie/egress';
import { maskCommand } from './mask-command.ts';

/** The network of the commands that a genie runs: a namespace whose only way out is the filter. */
export interface CommandNetwork {
  /** Opened by the first call. Rejects with `GENIE_EGRESS_CONTAINMENT` where there are no namespaces. */
  open(): Promise<ContainmentPort>;
  /** Told about every event, so that it is known which call a connection belongs to. */
  onEvent(event: GenieEvent): void;
  close(): Promise<void>;
}

export interface CommandNetworkOptions {
  readonly genieId: string;
  /** The folder that commands work in; its owner runs them when we are root. */
  readonly workspace: string;
  readonly egress: Egress;
}

export function createCommandNetwork(options: CommandNetworkOptions): CommandNetwork {
  const { genieId, egress } = options;
  const calls = new Map<string, EgressContext>();
  let opened: Promise<ContainmentPort> | undefined;
  const open = (): Promise<ContainmentPort> => {
    const user = commandUser(options.workspace);
    return openContainment(egress, {
      context: () => ({ genieId, tool: 'shell', ...onlyOne(calls) }),
      ...(user === undefined ? {} : { user }),
    });
  };
  return {
    open() {
      opened ??= open();
      return opened;
    },
    onEvent(event) {
      if (event.type === 'tool.called' && event.tool === 'shell')
        calls.set(event.callId, { runId: event.runId, callId: event.callId, ...claimOf(event.input) });
      else if (event.type === 'tool.completed' || event.type === 'tool.failed') calls.delete(event.callId);
    },
    async close() {
      const network = await opened?.catch(() => undefined);
      await network?.close();
      await egress.close();
    },
  };
}

/** With two commands at once nobody can say whose connection it is, only whose run when that is the same. */
function onlyOne(calls: ReadonlyMap<string, EgressContext>): EgressContext {
  const [first, ...rest] = calls.values();
  if (first === undefined || rest.length === 0) return first ?? {};
  return first.runId !== undefined && rest.every(({ runId }) => runId === first.runId) ? { runId: first.runId } : {};
}

/** The command is what the genie says it does. Secrets stay here: an approval may be pushed to a phone. */
function claimOf(input: unknown): { readonly claim?: string } {
  const { command } = (input ?? {}) as { readonly command?: unknown };
  if (typeof command !== 'string') return {};
  return { claim: `it runs: ${maskCommand(command)}` };
}

/** As the sandbox does it: a runtime that is root runs commands as the owner of their folder, or as nobody. */
function commandUser(workspace: string): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = lstatSync(workspace, { throwIfNoEntry: false });
  return owner === undefined || owner.uid === 0 ? { uid: 65_532, gid: 65_532 } : { uid: owner.uid, gid: owner.gid };
}
