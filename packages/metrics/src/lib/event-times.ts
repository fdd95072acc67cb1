import type { EventOf, GenieEvent } from '@genie/core/ports';

/** When each type of event first happened in a run. Holds the last 200 runs. */
export interface EventTimes {
  add(event: GenieEvent): void;
  get(runId: string, type: string): number | undefined;
}

const maxRuns = 200;

export function createEventTimes(): EventTimes {
  const runs = new Map<string, Map<string, number>>();
  return {
    add(event) {
      // A run that waits goes on later, and one that was skipped or cancelled has nothing to deliver.
      if (!('runId' in event) || (event.type === 'run.ended' && !isFinished(event))) return;
      let times = runs.get(event.runId);
      if (times === undefined) {
        times = new Map();
        runs.set(event.runId, times);
        const oldest = runs.keys().next().value;
        if (runs.size > maxRuns && oldest !== undefined) runs.delete(oldest);
      }
      if (!times.has(event.type)) times.set(event.type, event.at);
    },
    get: (runId, type) => runs.get(runId)?.get(type),
  };
}

/** True for the end of a run that had its chance to do everything. */
export function isFinished(event: EventOf<'run.ended'>): boolean {
  return event.status === 'completed' || event.status === 'failed';
}
