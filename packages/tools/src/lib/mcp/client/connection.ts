import type { Permission, Tool } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { adaptTool, type CallOffered } from './adapt-tool.ts';
import { createCallGuard } from './call-guard.ts';
import type { ResolvedConnectOptions } from './connect-options.ts';
import { documentTools } from './document-tools.ts';
import { createLink } from './link.ts';
import { mapFailure, wasNotSent } from './map-failure.ts';
import type { McpConnection } from './mcp-connection.ts';
import type { OpenClient } from './open-client.ts';
import { decidePins, pinOf } from './pin-tools.ts';
import { readOffered } from './read-offered.ts';

const maxTools = 512;
/** Changed tools that wait for the user at a time; the others are asked about when these are decided. */
const maxWaitingPins = 16;

interface Offer {
  readonly tools: ReadonlyMap<string, Tool>;
  readonly pins: Readonly<Record<string, string>>;
  readonly withheld: McpConnection['withheld'];
}

/** A connection that is not open yet. */
export function createConnection(options: ResolvedConnectOptions): McpConnection & { open(): Promise<void> } {
  const { name, clock } = options;
  const closed = new AbortController();
  const listeners = new Set<() => void>();
  const watched = new Set<string>();
  const refused = new Set<string>();
  const asked = new Set<string>();
  let offer: Offer = { tools: new Map(), pins: {}, withheld: [] };
  let info: { readonly serverName?: string | undefined; readonly instructions?: string | undefined } = {};
  let protocolVersion: string | undefined;
  let isRefreshDue = false;
  let cancelRefresh: () => void = () => undefined;
  const guard = createCallGuard({
    server: name,
    clock,
    stallMs: options.stallMs,
    openMs: options.breakerOpenMs,
  });
  const report = (error: unknown): void => options.onError?.(mapFailure(name, error));

  const load = async (open: OpenClient, signal = closed.signal): Promise<void> => {
    const next = await readOffer(open, signal);
    if (next) offer = next;
    protocolVersion = open.client.getNegotiatedProtocolVersion();
    info = { serverName: open.client.getServerVersion()?.name, instructions: open.client.getInstructions() };
    for (const listener of [...listeners]) listener();
  };
  const readOffer = async ({ client, ...open }: OpenClient, signal: AbortSignal): Promise<Offer | undefined> => {
    const request = { timeout: options.requestTimeoutMs, signal };
    const listed = client.getServerCapabilities()?.tools ? (await client.listTools(undefined, request)).tools : [];
    const { tools, refused: unusable } = readOffered(listed.slice(0, maxTools));
    const record = await options.store.read(name);
    const decision = await decidePins({ ...pinContext(), tools, pins: record?.pins });
    await options.store.write(name, { version: 1, ...record, pins: { ...record?.pins, ...decision.accepted } });
    for (const { approvalId, pin } of decision.waiting) if (approvalId !== undefined) watch(approvalId, pin);
    const adapted = tools
      .filter((tool) => Object.hasOwn(decision.accepted, tool.name))
      .map((tool) => adaptTool(tool, { server: name, permissions, timeoutMs: Number.POSITIVE_INFINITY, call }));
    const documents = documentTools(
      { client, ...open },
      { server: name, permissions, timeoutMs: options.requestTimeoutMs, ask },
    );
    const waiting = decision.waiting.map((tool) => ({
      name: tool.name,
      reason: 'it is new or changed, and waits for the user',
    }));
    return {
      tools: new Map([...documents, ...adapted].map((tool) => [tool.name, tool])),
      pins: decision.accepted,
      withheld: [...unusable, ...waiting],
    };
  };
  const pinContext = () => ({
    server: name,
    genieId: options.genieId,
    approvals: options.approvals,
    refused,
    asked,
    maxAsked: maxWaitingPins,
    signal: closed.signal,
  });
  /** Looks again once the user decided about a changed tool. */
  const watch = (approvalId: string, pin: string): void => {
    if (watched.has(approvalId)) return;
    watched.add(approvalId);
    options.approvals
      ?.wait(approvalId, { signal: closed.signal })
      .then((row) => {
        watched.delete(approvalId);
        if (row.status === 'denied') refused.add(pin);
        // An approval is asked for once more, and taken, in this look.
        return connection.refresh().finally(() => asked.delete(pin));
      })
      .catch((error: unknown) => {
        if (!closed.signal.aborted) report(error);
      });
  };
  const link = createLink({
    options,
    guard,
    onOpen: load,
    // A server that floods us with changes costs one look each 200 ms, and is looked at nevertheless.
    onListChanged() {
      if (isRefreshDue) return;
      isRefreshDue = true;
      cancelRefresh = clock.schedule(200, () => {
        isRefreshDue = false;
        connection.refresh().catch(report);
      });
    },
  });
  const permissions = permissionsOf(options);

  /** One request within the breaker; a lost connection is opened again, and the request repeated if that is safe. */
  const ask = <Value>(
    signal: AbortSignal,
    work: (open: OpenClient, request: { signal: AbortSignal; timeout: number; alive: () => void }) => Promise<Value>,
    repeatable = true,
  ): Promise<Value> => {
    let used: OpenClient | undefined;
    const drop = async (): Promise<void> => {
      // Only what this call used: another call may have opened a new connection by now.
      if (used) await link.reset(used);
    };
    return link
      .use(() =>
        guard.run(signal, async ({ signal: callSignal, alive }) => {
          for (let attempt = 1; ; attempt += 1) {
            used = undefined;
            used = await acquire(callSignal);
            try {
              return await work(used, { signal: callSignal, timeout: options.requestTimeoutMs, alive });
            } catch (error) {
              signal.throwIfAborted();
              const failure = used.failure ?? mapFailure(name, callSignal.aborted ? callSignal.reason : error);
              if (failure.code === 'GENIE_MCP_CONNECTION' || failure.code === 'GENIE_MCP_TIMEOUT') await drop();
              const again = failure.code === 'GENIE_MCP_CONNECTION' && (repeatable || wasNotSent(failure));
              if (!again || attempt > 1) throw failure;
            }
          }
        }),
      )
      .catch(async (error: unknown) => {
        // A server that hangs is not worth keeping: the next call starts it anew.
        if (GenieError.isInstance(error) && error.code === 'GENIE_MCP_TIMEOUT') await drop();
        throw error;
      });
  };
  const acquire = async (signal: AbortSignal): Promise<OpenClient> => {
    try {
      return await link.acquire(signal);
    } catch (error) {
      throw mapFailure(name, error);
    }
  };
  const call: CallOffered = (tool, value, { signal, effect, progress }) => {
    if (offer.pins[tool.name] !== pinOf(tool))
      throw new GenieError(
        'GENIE_MCP_TOOL_CHANGED',
        `The server ${name} changed its tool ${tool.name}; the user has not accepted that yet.`,
      );
    return ask(
      signal,
      ({ client }, { signal: callSignal, timeout, alive }) =>
        client.callTool(
          { name: tool.name, arguments: { ...value } },
          {
            signal: callSignal,
            timeout: options.approvals || options.model ? 24 * 60 * 60_000 : timeout,
            resetTimeoutOnProgress: true,
            maxTotalTimeout: 24 * 60 * 60_000,
            onprogress({ progress: done, total, message }) {
              alive();
              progress(
                message ?? `${done}${total === undefined ? '' : ` of ${total}`}`,
                total ? done / total : undefined,
              );
            },
          },
        ),
      effect !== 'once',
    );
  };
  const connection = {
    name,
    get serverName() {
      return info.serverName;
    },
    get protocolVersion() {
      return protocolVersion;
    },
    get instructions() {
      return info.instructions;
    },
    get isConnected() {
      return link.current !== undefined;
    },
    get pid() {
      return link.current?.pid;
    },
    get withheld() {
      return offer.withheld;
    },
    list: () => [...offer.tools.values()],
    get: (tool: string) => offer.tools.get(tool),
    async open() {
      await link.use(async () => {
        await acquire(closed.signal);
      });
    },
    refresh: () => ask(closed.signal, (open, { signal }) => load(open, signal)),
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      cancelRefresh();
      closed.abort(new GenieError('GENIE_MCP_CLOSED', `The connection to ${name} was closed.`));
      guard.dispose();
      await link.close();
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
  return connection;
}

/** What a genie must be allowed to use this server at all. */
function permissionsOf({ name, url }: ResolvedConnectOptions): readonly Permission[] {
  return [url === undefined ? `mcp:${name}` : `net:${new URL(url).hostname}`];
}
