import { createSourceGate, type WakeGate } from '@genie/core';
import type { Approvals, EgressPort, JsonObject, JsonValue, MemoryPort, Source } from '@genie/core/ports';
import { createSourceInspector } from '@genie/tools';

export interface QuietGate {
  readonly wakeGate: WakeGate;
  /** Looks again at sources that were closed to the gate when the run began. Called before a run goes on after a decision. */
  lookAgain(state: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** Keeps what {@link lookAgain} found, once the run has read it. */
  keep(found: JsonObject): Promise<void>;
}

/** A source that answers no sooner counts as unreachable: a wake must not hang on it before the run has even begun. */
const patienceMs = 20_000;

/** Working-memory key. */
const laterKey = 'gate.later';

export interface QuietGateOptions {
  readonly sources: readonly Source[];
  /** Says no where the user would have to be asked. */
  readonly door: EgressPort;
  readonly memory: Pick<MemoryPort, 'working'>;
  readonly genieId: string;
  readonly approvals: Pick<Approvals, 'list'>;
}

/**
 * The wake gate of a genie's sources. It never asks the user anything: a source that nobody decided about is closed to it, and
 * the run asks when it reads. When the user allows a source while a run waits, its fingerprint is taken before the run reads
 * it, so that the next wake does not take the permission itself for news.
 */
export function createQuietGate({ sources, door, memory, genieId, approvals }: QuietGateOptions): QuietGate {
  const inspect = createSourceInspector();
  const gate = createSourceGate(inspect);
  const fetchThrough = (input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit): Promise<Response> => {
    const patience = AbortSignal.timeout(patienceMs);
    const signal = init?.signal ? AbortSignal.any([init.signal, patience]) : patience;
    return door.fetch(input as string | URL | Request, { ...init, signal }, { genieId, tool: 'wake gate' });
  };
  return {
    async wakeGate(context) {
      // Each wake would ask the same again, and the answer to the first question lets its own run go on.
      if (context.trigger.kind === 'schedule' && (await isWaiting(approvals, sources)))
        return { wake: false, reason: 'a run waits for your decision already' };
      const later = asTexts(await memory.working.get(laterKey));
      return gate({ ...context, fetch: fetchThrough, lastState: withLater(context.lastState, later) });
    },
    async lookAgain(state, signal) {
      const closed = sources.filter((source) => isClosed(state[`${source.kind}:${source.location}`]));
      if (closed.length === 0) return {};
      return inspect(closed, { fetch: fetchThrough, signal });
    },
    async keep(found) {
      if (Object.keys(found).length === 0) return;
      await memory.working.set(laterKey, { ...asTexts(await memory.working.get(laterKey)), ...found });
    },
  };
}

/** True while a run sleeps over a question that the next run would ask too: a host of a source, or a tool. */
async function isWaiting(approvals: Pick<Approvals, 'list'>, sources: readonly Source[]): Promise<boolean> {
  const hosts = new Set(
    sources.flatMap(({ location }) => (URL.canParse(location) ? [new URL(location).hostname] : [])),
  );
  const pending = await approvals.list({ status: 'pending' });
  return pending.some(
    ({ runId, action }) => runId !== undefined && (action.kind !== 'egress' || hosts.has(String(action.payload.host))),
  );
}

/** What a gate could not see counts as last seen when it was looked at later in the same run. */
function withLater(last: JsonValue | undefined, later: JsonObject): JsonValue | undefined {
  if (last === undefined) return undefined;
  const state = asTexts(last);
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => [key, isClosed(value) ? (later[key] ?? value) : value]),
  );
}

function isClosed(fingerprint: JsonValue | undefined): boolean {
  return typeof fingerprint === 'string' && fingerprint.startsWith('error:');
}

function asTexts(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
