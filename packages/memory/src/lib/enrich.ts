import type { Enrichment, EnrichRequest } from '@genie/core/ports';
import type { Engine } from './engine.ts';
import type { Recalled, WithSignal } from './memory.ts';
import { namespaceOf } from './memory-input.ts';
import { estimateTokens, toItem } from './present.ts';
import { recall } from './recall.ts';
import type { StoredRecord } from './store/record.ts';
import { coreSubject, listFacts } from './tiers/facts.ts';
import { listPatterns } from './tiers/patterns.ts';

const dayMs = 86_400_000;
/** Share of the budget for the stable part; the rest is for what this run needs. */
const stableShare = 0.4;
const maxItems = 24;

/**
 * What a run should know before it plans. `stable` holds core facts and patterns and changes only when they do; `volatile` starts with
 * how many runs came before, then one line for each memory: `- text (date, source)`. Never writes.
 */
export async function enrich(
  engine: Engine,
  request: EnrichRequest,
  options: WithSignal & { readonly namespace?: string } = {},
): Promise<Enrichment> {
  const namespace = namespaceOf(options.namespace);
  const stable = await stablePart(engine, namespace, Math.floor(request.tokenBudget * stableShare));
  const budget = Math.max(0, request.tokenBudget - estimateTokens(stable));
  const items = await relevant(engine, request, { namespace, ...(options.signal ? { signal: options.signal } : {}) });
  const lines = [await runsLine(engine, namespace, request.runId)];
  const kept: Recalled[] = [];
  let used = estimateTokens(lines[0] ?? '');
  for (const item of items) {
    const line = toLine(item);
    used += estimateTokens(line) + 1;
    if (used > budget) break;
    lines.push(line);
    kept.push(item);
  }
  return { stable, volatile: lines.join('\n'), items: kept };
}

async function stablePart(engine: Engine, namespace: string, budget: number): Promise<string> {
  const facts = await listFacts(engine, { namespace, tier: 'core' });
  const patterns = await listPatterns(engine, namespace);
  const lines: string[] = [];
  let used = 0;
  const add = (line: string): void => {
    used += estimateTokens(line) + 1;
    if (used <= budget) lines.push(line);
  };
  const sorted = [...facts].sort((left, right) => (left.subject + left.key < right.subject + right.key ? -1 : 1));
  for (const { subject, key, value } of sorted)
    add(`- ${subject === coreSubject ? '' : `${subject}, `}${key}: ${oneLine(value)}`);
  for (const { text, confidence } of patterns) add(`- pattern: ${oneLine(text)} (confidence ${confidence.toFixed(2)})`);
  return lines.join('\n');
}

/** What fits the question, then what was reported last: a genie that is woken by the clock must know what it said already. */
async function relevant(
  engine: Engine,
  request: EnrichRequest,
  options: { namespace: string; signal?: AbortSignal },
): Promise<Recalled[]> {
  const query = request.query.trim() === '' ? request.goal : `${request.query}\n${request.goal}`;
  const answer = await recall(engine, query, { ...options, k: maxItems, kinds: ['associative', 'knowledge'] });
  const latest = await engine.store.find({
    namespace: options.namespace,
    kinds: ['finding'],
    status: ['live'],
    order: 'newest',
    limit: maxItems,
  });
  const half = answer.items.slice(0, maxItems / 2);
  const seen = new Set(half.map(({ id }) => id));
  const recent = latest.filter(({ id }) => !seen.has(id)).map((record) => toItem(record, 0, { recency: 1 }));
  for (const { id } of recent) seen.add(id);
  return [...half, ...recent, ...answer.items.filter(({ id }) => !seen.has(id))];
}

async function runsLine(engine: Engine, namespace: string, runId: string): Promise<string> {
  const episodes = await engine.store.find({ namespace, tiers: ['episodic'], kinds: ['episode'], order: 'newest' });
  const before = episodes.filter((episode) => episode.runId !== runId && episode.runId !== undefined);
  if (before.length === 0) return 'This is the first run; nothing was reported before.';
  return `${before.length} ${before.length === 1 ? 'run' : 'runs'} came before this one. ${lastRun(before[0])}`;
}

function lastRun(episode: StoredRecord | undefined): string {
  if (!episode) return '';
  return `The last one ended ${new Date(episode.eventTime ?? episode.recordedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC: ${oneLine(episode.text)}`;
}

/** Memories are shown as data: one line each, so that a stored text cannot pass for a heading or an instruction of its own. */
function toLine({ text, provenance }: Recalled): string {
  const time = provenance.eventTime ?? provenance.recordedAt;
  const date = typeof time === 'number' ? new Date(time - (time % dayMs)).toISOString().slice(0, 10) : 'undated';
  const source = provenance.source ?? provenance.speaker ?? 'own notes';
  return `- ${oneLine(text)} (${date}, ${oneLine(String(source))})`;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 600 ? `${line.slice(0, 599)}…` : line;
}
