import type { WakeGate } from '@genie/core';
import type { JsonObject, JsonValue, Source } from '@genie/core/ports';
import type { McpHub } from './mcp-hub.ts';

/** A server that answers no sooner counts as unreachable for this wake. */
const patienceMs = 20_000;

export interface McpGateOptions {
  /** Decides about all other sources. */
  readonly gate: WakeGate;
  readonly hub: Pick<McpHub, 'ready' | 'fingerprint'>;
}

/** Connects the servers before a run lists its tools, and wakes it when a source of theirs changed. */
export function withMcpSources({ gate, hub }: McpGateOptions): WakeGate {
  return async (context) => {
    await hub.ready();
    const own = context.sources.filter(({ kind }) => kind === 'mcp');
    if (own.length === 0) return gate(context);
    const patience = AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]);
    const state = Object.fromEntries(await Promise.all(own.map((source) => look(hub, source, patience))));
    context.signal.throwIfAborted();
    const last = asObject(context.lastState);
    const keys = own.map(keyOf);
    const rest = Object.fromEntries(Object.entries(last ?? {}).filter(([key]) => !keys.includes(key)));
    const others = context.sources.filter(({ kind }) => kind !== 'mcp');
    const decision = await gate({ ...context, sources: others, lastState: last && rest });
    const changed = keys.filter((key) => state[key] !== last?.[key]).length;
    const merged = { ...decision, state: { ...decision.state, ...state } };
    if (changed > 0 && last && !decision.wake)
      return { ...merged, wake: true, reason: `${changed} of ${count(own.length)} changed` };
    // Without other sources the gate has nothing to compare and would wake every time.
    const isQuiet = last && changed === 0 && others.length === 0 && context.trigger.kind !== 'message';
    return isQuiet ? { ...merged, wake: false, reason: `nothing new in ${count(own.length)}` } : merged;
  };
}

async function look(hub: McpGateOptions['hub'], source: Source, signal: AbortSignal): Promise<[string, string]> {
  try {
    return [keyOf(source), await hub.fingerprint(source, signal)];
  } catch (error) {
    const code = (error as { readonly code?: unknown } | undefined)?.code;
    return [keyOf(source), `error:${typeof code === 'string' ? code : 'GENIE_SOURCE_FAILED'}`];
  }
}

function keyOf({ kind, location }: Source): string {
  return `${kind}:${location}`;
}

function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function count(sources: number): string {
  return sources === 1 ? '1 MCP source' : `${sources} MCP sources`;
}
