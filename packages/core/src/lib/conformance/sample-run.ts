import type { RunRecord } from '../run-record.ts';

/** The record of a finished run, for suites. */
export function sampleRun(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: 'run_1',
    genieId: 'genie_a',
    goal: 'Watch the roof',
    trigger: { kind: 'manual' },
    startedAt: Date.UTC(2026, 0, 5, 12),
    endedAt: Date.UTC(2026, 0, 5, 12, 1),
    claim: 'achieved',
    text: 'The roof is fine.',
    sources: [],
    toolCalls: [{ callId: 'call-1', tool: 'look', input: {}, status: 'completed', outputText: 'fine', tookMs: 3 }],
    steps: 2,
    usage: { inputTokens: 100, outputTokens: 20, cachedInputTokens: 0, modelCalls: 2 },
    eventCounts: { 'tool.completed': 1 },
    modelId: 'scripted',
    ...changes,
  };
}
