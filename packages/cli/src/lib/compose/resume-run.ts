import type { Genie, RunHandle } from '@genie/core';
import type { JsonObject } from '@genie/core/ports';
import type { GenieStore } from './genie-store.ts';
import type { QuietGate } from './source-gate.ts';

export interface ResumeRunDeps {
  readonly genie: Genie;
  readonly gate: QuietGate;
  readonly store: Pick<GenieStore, 'records'>;
  readonly runId: string;
  /** Connects to the MCP servers, when the genie has some. */
  readonly ready: (() => Promise<void>) | undefined;
}

/** As `genie.resume`; sources that were closed when the run began, and are open now, are fingerprinted before the run reads them. */
export async function resumeRun(deps: ResumeRunDeps, signal: AbortSignal | undefined): Promise<RunHandle> {
  const { genie, gate, store, runId } = deps;
  await deps.ready?.();
  const woke = (await store.records(runId)).find((record) => record.kind === 'phase' && record.phase === 'wake');
  const state = woke?.kind === 'phase' ? woke.output.state : undefined;
  const found = await gate.lookAgain((state ?? {}) as JsonObject, signal ?? new AbortController().signal);
  const handle = genie.resume(runId, signal ? { signal } : {});
  const outcome = handle.outcome.then(async (ended) => {
    // Lost, it costs one wake that finds nothing new.
    if (ended.status === 'completed') await gate.keep(found).catch(() => undefined);
    return ended;
  });
  return {
    runId,
    outcome,
    cancel: () => handle.cancel(),
    [Symbol.asyncIterator]: () => handle[Symbol.asyncIterator](),
  };
}
