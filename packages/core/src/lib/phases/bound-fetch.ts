import { GenieError } from '../genie-error.ts';
import type { RunDeps } from '../run-state.ts';

/** The egress filter as a `fetch`, with the run as context. Refuses everything when there is no egress. */
export function boundFetch(
  deps: Pick<RunDeps, 'egress' | 'genieId' | 'guard'>,
  runId: string,
  asker: string,
): typeof globalThis.fetch {
  return async (input, init) => {
    if (!deps.egress) {
      throw new GenieError(
        'GENIE_EGRESS_DENIED',
        `The ${asker} wanted to leave, but this genie has no egress. Pass "egress" to createGenie.`,
      );
    }
    return deps.egress.fetch(
      input as string | URL | Request,
      { ...init, signal: init?.signal ?? deps.guard.signal },
      { genieId: deps.genieId, runId, tool: asker },
    );
  };
}
