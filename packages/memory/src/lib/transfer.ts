import { describeThrown, GenieError } from '@genie/core/errors';
import { z } from 'zod';
import type { Engine } from './engine.ts';
import { cleanText, maxTextLength } from './memory-input.ts';
import type { MemoryRecord } from './store/record.ts';

const pageSize = 1_000;
const header = { format: 'genie-memory', version: 1 } as const;

const recordSchema = z.object({
  id: z.string().min(1),
  namespace: z.string().min(1),
  tier: z.enum(['core', 'associative', 'episodic', 'proactive', 'knowledge']),
  kind: z.string().min(1),
  text: z.string().min(1).max(maxTextLength).transform(cleanText),
  status: z.enum(['live', 'superseded', 'merged']),
  importance: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1),
  recordedAt: z.number(),
  retiredAt: z.number().optional(),
  retiredBy: z.string().optional(),
  eventTime: z.number().optional(),
  validFrom: z.number().optional(),
  validTo: z.number().optional(),
  subject: z.string().optional(),
  relation: z.string().optional(),
  object: z.string().optional(),
  speaker: z.string().optional(),
  source: z.string().optional(),
  runId: z.string().optional(),
  step: z.number().optional(),
  idempotencyKey: z.string().optional(),
  data: z.record(z.string(), z.json()).optional(),
});

/** All records as JSON lines, in insertion order. Vectors are left out: they follow from the text. */
export async function* exportLines(engine: Engine, namespace?: string): AsyncGenerator<string> {
  yield JSON.stringify(header);
  const { namespaces } = await engine.store.stats();
  for (const one of namespace === undefined ? namespaces : [namespace]) {
    for (let afterSeq = 0; ; ) {
      const page = await engine.store.find({ namespace: one, afterSeq, limit: pageSize });
      for (const { seq: _seq, revision: _revision, ...record } of page) yield JSON.stringify(record);
      if (page.length < pageSize) break;
      afterSeq = page.at(-1)?.seq ?? afterSeq;
    }
  }
}

/** Reads an export. Records that are there already or were forgotten here are skipped. Errors: `GENIE_MEMORY_IMPORT` names the line. */
export async function importLines(
  engine: Engine,
  lines: Iterable<string> | AsyncIterable<string>,
  signal?: AbortSignal,
): Promise<{ stored: number; skipped: number }> {
  let number = 0;
  let stored = 0;
  let skipped = 0;
  let batch: MemoryRecord[] = [];
  const flush = async (): Promise<void> => {
    const result = await storeImported(engine, batch);
    stored += result.stored;
    skipped += result.skipped;
    batch = [];
  };
  for await (const line of lines) {
    signal?.throwIfAborted();
    number += 1;
    if (line.trim() === '') continue;
    const parsed = parseLine(line, number);
    if (parsed === undefined) continue;
    if (batch.length >= pageSize || (batch.length > 0 && batch[0]?.namespace !== parsed.namespace)) await flush();
    batch.push(parsed);
  }
  await flush();
  return { stored, skipped };
}

function parseLine(line: string, number: number): MemoryRecord | undefined {
  const fail = (why: string): never => {
    throw new GenieError(
      'GENIE_MEMORY_IMPORT',
      `Line ${number} of the import is not a memory (${why}). Nothing after it was read.`,
      {
        details: { line: number },
      },
    );
  };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return fail(describeThrown(error));
  }
  if (number === 1 && (value as { format?: unknown }).format !== undefined) {
    const { format, version } = value as { format: unknown; version: unknown };
    if (format !== header.format || version !== header.version)
      fail(`format ${String(format)} version ${String(version)}`);
    return undefined;
  }
  const parsed = recordSchema.safeParse(value);
  return parsed.success ? (parsed.data as MemoryRecord) : fail(parsed.error.issues[0]?.message ?? 'unknown form');
}

async function storeImported(
  engine: Engine,
  batch: readonly MemoryRecord[],
): Promise<{ stored: number; skipped: number }> {
  const namespace = batch[0]?.namespace;
  if (namespace === undefined) return { stored: 0, skipped: 0 };
  const known = new Set(
    (
      await engine.store.get(
        namespace,
        batch.map(({ id }) => id),
      )
    ).map(({ id }) => id),
  );
  const fresh = batch.filter(({ id }) => !known.has(id));
  const receipt = await engine.store.commit({
    namespace,
    put: fresh,
    fingerprintsOf: engine.fingerprints.of,
  });
  const stored = receipt.results.filter(({ status }) => status === 'stored').length;
  return { stored, skipped: batch.length - stored };
}
