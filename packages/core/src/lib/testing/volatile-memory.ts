import type { JsonValue } from '../json.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  Enrichment,
  MemoryItemInput,
  MemoryPort,
  RecallAnswer,
  RecalledItem,
  RecallOptions,
} from '../ports/memory.ts';
import type { RunRecord } from '../run-record.ts';

export interface VolatileMemoryOptions {
  /** Times the answers. Default: they take 0 ms. */
  readonly clock?: Pick<Clock, 'elapsed'>;
}

interface Item extends MemoryItemInput {
  readonly id: string;
}

/**
 * A memory that lives as long as its process: recalls by shared words, newest first among equals. For tests, and for
 * genies that need no past. Survives nothing.
 */
export function createVolatileMemory(options: VolatileMemoryOptions = {}): MemoryPort {
  const items: Item[] = [];
  const idsByKey = new Map<string, string>();
  const learnt = new Set<string>();
  const values = new Map<string, JsonValue>();
  const elapsed = () => options.clock?.elapsed() ?? 0;

  function remember(item: MemoryItemInput): { readonly id: string } {
    const known = item.idempotencyKey === undefined ? undefined : idsByKey.get(item.idempotencyKey);
    if (known !== undefined) return { id: known };
    const stored: Item = { ...item, id: item.id ?? `mem_${items.length + 1}` };
    const at = items.findIndex((other) => other.id === stored.id);
    if (at >= 0) items.splice(at, 1);
    items.push(stored);
    if (item.idempotencyKey !== undefined) idsByKey.set(item.idempotencyKey, stored.id);
    return { id: stored.id };
  }

  function recall(
    query: string,
    { k = 10, kinds, namespace, tokenBudget = Number.POSITIVE_INFINITY }: RecallOptions,
  ): readonly RecalledItem[] {
    const wanted = wordsOf(query);
    const found: RecalledItem[] = [];
    for (let at = items.length - 1; at >= 0; at -= 1) {
      const item = items[at] as Item;
      if ((kinds && !kinds.includes(item.kind ?? 'fact')) || (namespace !== undefined && item.namespace !== namespace))
        continue;
      const words = wordsOf(item.text).intersection(wanted).size;
      if (words > 0)
        found.push({ id: item.id, text: item.text, score: words, why: { words }, provenance: { source: item.source } });
    }
    found.sort((left, right) => right.score - left.score);
    return withinTokens(found.slice(0, k), tokenBudget);
  }

  return {
    async enrich(request, { signal } = {}): Promise<Enrichment> {
      signal?.throwIfAborted();
      const recalled = recall(`${request.goal} ${request.query}`, { tokenBudget: request.tokenBudget });
      return { stable: '', volatile: recalled.map((item) => `- ${item.text}`).join('\n'), items: recalled };
    },
    async learn(run, { signal } = {}) {
      signal?.throwIfAborted();
      if (learnt.has(run.runId)) return { stored: 0, queued: 0 };
      learnt.add(run.runId);
      const texts = textsOf(run);
      for (const text of texts) remember({ text, kind: 'finding', source: run.runId });
      return { stored: texts.length, queued: 0 };
    },
    async remember(input, { signal } = {}) {
      signal?.throwIfAborted();
      return (Array.isArray(input) ? (input as readonly MemoryItemInput[]) : [input as MemoryItemInput]).map(remember);
    },
    async recall(query, options = {}): Promise<RecallAnswer> {
      options.signal?.throwIfAborted();
      const startedAt = elapsed();
      return { items: recall(query, options), tookMs: elapsed() - startedAt, degraded: 'words only, no index' };
    },
    working: {
      get: async (key) => values.get(key),
      set: async (key, value) => void values.set(key, structuredClone(value)),
      delete: async (key) => void values.delete(key),
    },
    close: async () => undefined,
  };
}

function textsOf(run: RunRecord): readonly string[] {
  if (run.briefing) return run.briefing.items.map((item) => item.text);
  return run.text.trim() === '' ? [] : [run.text];
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu));
}

/** As many items, best first, as fit at four characters a token. */
function withinTokens(items: readonly RecalledItem[], tokens: number): readonly RecalledItem[] {
  let left = tokens;
  return items.filter((item) => {
    const size = Math.ceil((item.text.length + 3) / 4);
    if (size > left) return false;
    left -= size;
    return true;
  });
}
