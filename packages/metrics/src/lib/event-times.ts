import type { GenieEvent } from '@genie/core/ports';

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
      if (!('runId' in event)) return;
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
