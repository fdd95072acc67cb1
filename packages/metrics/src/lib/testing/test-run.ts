import type { RunRecord } from '@genie/core/ports';

/** A finished run to measure: two cited items, two sources, three tool calls of which one failed. For tests and examples. */
export function createTestRun(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: 'run_1',
    genieId: 'genie_1',
    goal: 'watch two feeds',
    trigger: { kind: 'manual' },
    startedAt: Date.UTC(2026, 2, 2, 5, 0),
    endedAt: Date.UTC(2026, 2, 2, 5, 1),
    claim: 'achieved',
    text: 'I did everything.',
    briefing: {
      title: 'Morning',
      markdown: '# Morning',
      items: [
        { id: 'i1', text: 'one', citations: [{ source: 'https://a.example/feed', location: 'https://a.example/1' }] },
        { id: 'i2', text: 'two', citations: [{ source: 'https://b.example/feed', location: 'https://b.example/2' }] },
      ],
    },
    sources: [
      { kind: 'feed', location: 'https://a.example/feed' },
      { kind: 'feed', location: 'https://b.example/feed' },
    ],
    toolCalls: [
      call('c1', { url: 'https://a.example/feed' }, '{"entries":[1,2,3],"fresh":2}'),
      call('c2', { url: 'https://b.example/feed' }, '{"entries":[1],"fresh":1}'),
      { ...call('c3', { url: 'https://c.example' }, ''), status: 'failed' },
    ],
    steps: 4,
    usage: { inputTokens: 900, outputTokens: 100, cachedInputTokens: 0, modelCalls: 4 },
    costUsd: 0.02,
    eventCounts: { 'tool.called': 3, 'tool.failed': 1, 'step.completed': 4 },
    modelId: 'scripted',
    ...changes,
  };
}

function call(callId: string, input: { url: string }, outputText: string): RunRecord['toolCalls'][number] {
  return { callId, tool: 'feed.read', input, status: 'completed', outputText, tookMs: 10 };
}
