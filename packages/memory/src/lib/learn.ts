import type { BriefingItem, LearnReceipt, RunRecord } from '@genie/core/ports';
import type { Engine } from './engine.ts';
import { keyEntities } from './entities.ts';
import type { WithSignal } from './memory.ts';
import { cleanText, namespaceOf, parseTime } from './memory-input.ts';
import { embedEntry } from './remember.ts';
import type { MemoryRecord } from './store/record.ts';
import type { OutboxEntry } from './store/record-store.ts';
import { isMachineText } from './text/machine-text.ts';

export interface LearnOptions extends WithSignal {
  readonly namespace?: string;
}

/**
 * Keeps what a run found: one episode, one memory for each briefing item, the message that woke it. One commit, no model; the log of
 * the run and the vectors are queued in the same commit and written later. A second call for the same run changes nothing.
 */
export async function learn(engine: Engine, run: RunRecord, options: LearnOptions = {}): Promise<LearnReceipt> {
  const namespace = namespaceOf(options.namespace);
  const now = engine.clock.now();
  const items = run.briefing?.items.filter((item) => item.text.trim() !== '' && !isMachineText(item.text)) ?? [];
  const findings = items.map((item) => toFinding(item, { run, namespace, now }));
  const known = new Map(
    (
      await engine.store.get(
        namespace,
        findings.map((one) => one.id),
      )
    ).map((record) => [record.id, record]),
  );
  // An item that was reported before keeps its first record: append-only, and the first date is the one that counts.
  const fresh = findings.filter(
    (one, at) => !known.has(one.id) && findings.findIndex((other) => other.id === one.id) === at,
  );
  const message = toMessage(run, namespace, now);
  const episode = toEpisode(run, items, { namespace, now });
  const put = [episode, ...fresh, ...(message ? [message] : [])];
  const enqueue: OutboxEntry[] = [
    { id: `history:${run.runId}`, kind: 'history', payload: JSON.stringify(run) },
    ...(engine.vectors ? put.map(embedEntry) : []),
  ];
  if ((await engine.store.get(namespace, [episode.id])).length > 0) return { stored: 0, queued: 0 };
  const receipt = await engine.store.commit(
    { namespace, put, fingerprintsOf: engine.fingerprints.of, enqueue },
    options.signal ? { signal: options.signal } : {},
  );
  const stored = receipt.results.filter(({ status }) => status === 'stored').length;
  return { stored, queued: enqueue.length };
}

/** The id of the episode of a run. */
export function episodeId(runId: string): string {
  return `episode:${runId}`;
}

interface Learning {
  readonly run: RunRecord;
  readonly namespace: string;
  readonly now: number;
}

function toFinding(item: BriefingItem, { run, namespace, now }: Learning): MemoryRecord {
  const citation = item.citations[0];
  const eventTime = citation?.date === undefined ? undefined : dateOrNothing(citation.date);
  return {
    id: item.id,
    namespace,
    tier: 'associative',
    kind: 'finding',
    text: cleanText(item.text),
    status: 'live',
    importance: 0.6,
    confidence: item.citations.length > 0 ? 0.9 : 0.6,
    recordedAt: now,
    eventTime: eventTime ?? run.endedAt,
    ...(citation ? { source: citation.source } : {}),
    runId: run.runId,
    idempotencyKey: `run:${run.runId}:${item.id}`,
    data: { reportedAt: run.endedAt, citations: item.citations.map((one) => ({ ...one })) },
  };
}

function dateOrNothing(date: string): number | undefined {
  try {
    return parseTime(date, 'date');
  } catch {
    return undefined;
  }
}

function toMessage(run: RunRecord, namespace: string, now: number): MemoryRecord | undefined {
  if (run.trigger.kind !== 'message') return undefined;
  const text = cleanText(run.trigger.text);
  if (text.trim() === '' || isMachineText(text)) return undefined;
  return {
    id: `message:${run.trigger.messageId ?? run.runId}`,
    namespace,
    tier: 'associative',
    kind: 'message',
    text,
    status: 'live',
    importance: 0.6,
    confidence: 1,
    recordedAt: now,
    eventTime: run.startedAt,
    speaker: 'user',
    source: 'chat',
    runId: run.runId,
    idempotencyKey: `run:${run.runId}:message`,
  };
}

/** What happened in a run, without repeating what was found: the findings are memories of their own and can be forgotten alone. */
function toEpisode(
  run: RunRecord,
  items: readonly BriefingItem[],
  at: { namespace: string; now: number },
): MemoryRecord {
  const failed = run.toolCalls.filter(({ status }) => status !== 'completed').length;
  const tools = [...new Set(run.toolCalls.map(({ tool }) => tool))];
  const parts = [
    `${cleanText(run.briefing?.title ?? 'Run')}: ${items.length} reported, claim ${run.claim}.`,
    tools.length > 0 ? `Tools: ${tools.join(', ')} (${run.toolCalls.length} calls, ${failed} not completed).` : '',
    run.sources.length > 0
      ? `Sources: ${run.sources.map((source) => source.title ?? source.location).join(', ')}.`
      : '',
  ];
  return {
    id: episodeId(run.runId),
    namespace: at.namespace,
    tier: 'episodic',
    kind: 'episode',
    text: parts.filter(Boolean).join(' '),
    status: 'live',
    importance: 0.4,
    confidence: 1,
    recordedAt: at.now,
    eventTime: run.endedAt,
    runId: run.runId,
    idempotencyKey: `run:${run.runId}`,
    data: {
      items: items.map(({ id }) => id),
      entities: keyEntities(items.map(({ text }) => text)),
      startedAt: run.startedAt,
      endedAt: run.endedAt,
      trigger: run.trigger.kind,
      claim: run.claim,
      toolFailures: run.toolCalls
        .filter(({ status }) => status !== 'completed')
        .map(({ tool, error }) => `${tool}: ${error?.code ?? 'denied'}`),
    },
  };
}
