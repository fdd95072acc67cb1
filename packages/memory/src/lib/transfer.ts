import { describeThrown, GenieError } from '@genie/core/errors';
import { z } from 'zod';
import type { Engine } from './engine.ts';
import { cleanText, maxTextLength } from './memory-input.ts';
import type { MemoryRecord } from './store/record.ts';
import { slotId } from './tiers/facts.ts';

const pageSize = 1_000;
const header = { format: 'genie-memory', version: 1 } as const;

const name = (longest: number) => z.string().max(longest).transform(cleanText).pipe(z.string().min(1));
const time = z.number().int().min(-8.64e15).max(8.64e15);

const recordSchema = z
  .object({
    id: name(10_000),
    namespace: name(1_000),
    tier: z.enum(['core', 'associative', 'episodic', 'proactive', 'knowledge']),
    kind: name(10_000),
    text: name(maxTextLength),
    status: z.enum(['live', 'superseded', 'merged']),
    importance: z.number().min(0).max(1),
    confidence: z.number().min(0).max(1),
    recordedAt: time,
    retiredAt: time.optional(),
    retiredBy: name(10_000).optional(),
    eventTime: time.optional(),
    validFrom: time.optional(),
    validTo: time.optional(),
    subject: name(10_000).optional(),
    relation: name(10_000).optional(),
    object: name(10_000).optional(),
    speaker: name(10_000).optional(),
    source: z.string().transform(cleanText).optional(),
    runId: name(10_000).optional(),
    step: z.number().int().min(0).optional(),
    idempotencyKey: name(10_000).optional(),
    data: z.record(z.string(), z.json()).optional(),
  })
  .refine((one) => one.status === 'live' || one.retiredAt !== undefined, 'it is retired, but not since when')
  .refine(hasItsPlace, 'the id of a fact has to follow from its subject and key');

/** A present fact under another id would stand beside the one of the same subject and key. */
function hasItsPlace(one: {
  readonly id: string;
  readonly tier: string;
  readonly status: string;
  readonly subject?: string | undefined;
  readonly relation?: string | undefined;
  readonly object?: string | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
}): boolean {
  if (one.status !== 'live' || (one.tier !== 'core' && one.tier !== 'knowledge')) return true;
  const { subject = '', relation = '', object = '' } = one;
  return one.id === slotId(one.tier, [subject, relation, ...(one.data?.many === true ? [object] : [])]);
}

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
  const merged: MemoryRecord[] = [];
  const flush = async (): Promise<void> => {
    const result = await storeImported(engine, batch);
    stored += result.stored;
    skipped += result.skipped;
    merged.push(...batch.filter(({ status }) => status === 'merged'));
    batch = [];
  };
  try {
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
  } finally {
    await bringBack(engine, merged);
  }
  return { stored, skipped };
}

/** What was merged into a memory that did not come along (forgotten here, or after the line that was wrong) speaks for itself again. */
async function bringBack(engine: Engine, merged: readonly MemoryRecord[]): Promise<void> {
  for (const [namespace, records] of Map.groupBy(merged, (one) => one.namespace)) {
    const survivors = await engine.store.get(namespace, [...new Set(records.flatMap((one) => one.retiredBy ?? []))]);
    const isThere = new Set(survivors.map(({ id }) => id));
    const lost = records.filter(({ retiredBy }) => retiredBy === undefined || !isThere.has(retiredBy));
    const stored = await engine.store.get(
      namespace,
      lost.map(({ id }) => id),
    );
    const put = stored
      .filter(({ status }) => status === 'merged')
      .map(({ seq: _seq, revision: _revision, retiredAt: _at, retiredBy: _by, ...one }) => ({
        ...one,
        status: 'live' as const,
      }));
    if (put.length > 0) await engine.store.commit({ namespace, put });
  }
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
  if (number === 1 && (value as { format?: unknown } | null)?.format !== undefined) {
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
