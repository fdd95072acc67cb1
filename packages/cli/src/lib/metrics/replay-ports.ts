import type { JsonValue, MemoryPort, MetricsPort, RunRecord } from '@genie/core/ports';
import type { ReplayStart } from './replay-start.ts';

/** What a run remembered, again. It learns nothing. */
export function createRecordedMemory(state: ReplayStart): MemoryPort {
  const working = new Map<string, JsonValue>([
    ['cursors', state.cursors],
    ['plan', { goal: state.goal, steps: [...state.plan] }],
  ]);
  return {
    working: {
      get: async (key) => working.get(key),
      set: async () => undefined,
      delete: async () => undefined,
    },
    enrich: async () => ({ ...state.memory, items: [] }),
    recall: async () => ({ items: [], tookMs: 0, degraded: 'a replay recalls nothing new' }),
    remember: async () => [],
    learn: async () => ({ stored: 0, queued: 0 }),
    close: async () => undefined,
  };
}

/** Takes the run's record instead of measuring it: that is done outside, with the KPIs of the experiment. */
export function createCapture(): { readonly metrics: MetricsPort; run(): RunRecord | undefined } {
  let captured: RunRecord | undefined;
  return {
    run: () => captured,
    metrics: {
      definitions: async () => [],
      define: async () => undefined,
      async measure(run) {
        captured = run;
        return { outcome: 'unverified', readings: [] };
      },
      close: async () => undefined,
    },
  };
}
