import type { Readable, Writable } from 'node:stream';
import type { McpServer as SdkServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { buildSdkServer } from '../server/build-sdk-server.ts';
import type { McpServer } from '../server/create-mcp-server.ts';
import type { McpChange } from '../server/registry.ts';

export interface ServeStdioOptions {
  /** Where requests come from. Default: standard input of this process, which then belongs to the protocol. */
  readonly input?: Readable;
  readonly output?: Writable;
  /** Called when the client closed its end. */
  readonly onClose?: () => void;
}

/** Serves one client over two streams until it closes its end. */
export function serveOnStdio(
  definition: McpServer,
  options: ServeStdioOptions,
  onError: ((error: Error) => void) | undefined,
) {
  const transport = new StdioServerTransport(options.input, options.output, { maxBufferSize: 4 * 1024 * 1024 });
  const servers = new Set<SdkServer>();
  const stop = definition.onChange((change) => {
    for (const sdk of servers) tellModern(sdk, change);
  });
  const handle = serveStdio(
    ({ era }) => {
      const sdk = buildSdkServer(definition, era);
      if (era === 'modern') servers.add(sdk);
      return sdk;
    },
    { transport, ...(onError ? { onerror: onError } : {}) },
  );
  const owned = transport.onclose;
  transport.onclose = () => {
    owned?.();
    stop();
    servers.clear();
    options.onClose?.();
  };
  return handle;
}

/** Legacy servers tell their client themselves; the entry routes these to the subscriptions of a modern one. */
function tellModern({ server }: SdkServer, change: McpChange): void {
  const sent =
    change.kind === 'tools'
      ? server.sendToolListChanged()
      : change.kind === 'prompts'
        ? server.sendPromptListChanged()
        : change.kind === 'resources'
          ? server.sendResourceListChanged()
          : server.sendResourceUpdated({ uri: change.uri });
  sent.catch(() => undefined);
}
