import type { RunRecord } from '@genie/core/ports';

/** A finished run that reported these items. */
export function runRecord(runId: string, items: readonly (readonly [id: string, text: string])[]): RunRecord {
  return {
    runId,
    genieId: 'genie_1',
    goal: 'Follow the releases of the Heron library',
    trigger: { kind: 'manual' },
    startedAt: Date.UTC(2026, 2, 1, 8),
    endedAt: Date.UTC(2026, 2, 1, 8, 5),
    claim: 'achieved',
    text: items.map(([, text]) => text).join('\n'),
    briefing: {
      title: 'Heron this week',
      markdown: items.map(([, text]) => `- ${text}`).join('\n'),
      items: items.map(([id, text]) => ({
        id,
        text,
        citations: [{ source: 'Heron feed', location: `https://example.org/${id}`, date: '2026-02-27' }],
      })),
    },
    sources: [{ kind: 'feed', location: 'https://example.org/feed', title: 'Heron feed' }],
    toolCalls: [
      {
        callId: 'c1',
        tool: 'read_feed',
        input: { url: 'https://example.org/feed' },
        status: 'completed',
        outputText: 'raw output',
        tookMs: 4,
      },
    ],
    steps: 2,
    usage: { inputTokens: 10, outputTokens: 10, cachedInputTokens: 0, modelCalls: 1 },
    eventCounts: {},
    modelId: 'offline',
  };
}
