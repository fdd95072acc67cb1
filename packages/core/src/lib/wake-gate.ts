import type { JsonObject, JsonValue } from './json.ts';
import type { Source, Trigger } from './run-record.ts';

export interface WakeGateContext {
  readonly trigger: Trigger;
  readonly goal: string;
  readonly sources: readonly Source[];
  /** What the gate of the last successful run returned as `state`. */
  readonly lastState: JsonValue | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal;
}

export interface WakeDecision {
  readonly wake: boolean;
  /** One line for the user and the journal. */
  readonly reason: string;
  readonly state?: JsonObject;
}

/** Decides before any model call whether a wake has anything to do. A gate that throws, or answers anything else, wakes the genie: better once too often. */
export type WakeGate = (context: WakeGateContext) => Promise<WakeDecision>;

/** Fingerprints by `kind:location`; an unreachable source is `error:<code>`. */
export type InspectSources = (
  sources: readonly Source[],
  context: { readonly fetch: typeof globalThis.fetch; readonly signal: AbortSignal },
) => Promise<Readonly<Record<string, string>>>;

/** A gate that wakes when a source changed since the last successful run. A user's message always wakes. */
export function createSourceGate(inspect: InspectSources): WakeGate {
  return async ({ trigger, sources, lastState, fetch, signal }) => {
    const state = await inspect(sources, { fetch, signal });
    if (trigger.kind === 'message') return { wake: true, reason: 'a message from the user', state };
    if (sources.length === 0) return { wake: true, reason: 'no sources to compare', state };
    const last = (lastState ?? {}) as Readonly<Record<string, JsonValue>>;
    const known = Object.keys(last).length > 0;
    const changed = Object.keys(state).filter((key) => state[key] !== last[key]);
    if (!known) return { wake: true, reason: 'first run', state };
    if (changed.length === 0) return { wake: false, reason: `nothing new in ${count(sources.length)}`, state };
    return { wake: true, reason: `${changed.length} of ${count(sources.length)} changed`, state };
  };
}

function count(sources: number): string {
  return sources === 1 ? '1 source' : `${sources} sources`;
}
