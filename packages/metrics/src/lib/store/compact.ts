import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import path from 'node:path';
import { parseJson } from '@genie/core/ports';
import { readTextIfAny, syncFolder, writeAll, writeFileAtomic } from './atomic-file.ts';
import type { DayRollup } from './day-rollup.ts';
import { parseObservation } from './file-store-line.ts';
import { header, LineLog } from './line-log.ts';
import type { MetricsIndex } from './metrics-index.ts';
import type { CompactReport } from './metrics-store.ts';
import { localDay } from './observation.ts';

interface Rollups {
  /** The generation of `observations.jsonl` that goes with this file. */
  readonly generation: number;
  readonly firstRawDay: number;
  readonly days: readonly DayRollup[];
}

/**
 * Compaction in two steps, each atomic: first `rollups.json` (old days, next generation), then `observations.jsonl` without those days.
 * A crash between them leaves a log one generation behind; {@link finishCompaction} then repeats the second step, which drops exactly
 * the days that the first one kept.
 */
export function compactFiles(options: {
  readonly dir: string;
  readonly log: LineLog;
  readonly index: MetricsIndex;
  readonly firstRawDay: number;
  readonly format: string;
}): CompactReport {
  const { dir, log, index, firstRawDay, format } = options;
  const days = index.days({ toDay: firstRawDay - 1, withBins: true });
  const content = { format: 'genie.rollups', v: 1, generation: log.generation + 1, firstRawDay, days };
  writeFileAtomic(path.join(dir, 'rollups.json'), `${JSON.stringify(content)}\n`);
  return dropOldLines(dir, log, firstRawDay, format);
}

/** Repeats the second step of a compaction that a crash cut short. */
export function finishCompaction(dir: string, format: string): void {
  const rollups = loadRollups(dir);
  if (rollups === undefined) return;
  const log = LineLog.open(path.join(dir, 'observations.jsonl'), format);
  try {
    if (log.generation < rollups.generation) dropOldLines(dir, log, rollups.firstRawDay, format);
  } finally {
    void log.close();
  }
}

/** The days whose raw observations are gone. */
export function loadRollups(dir: string): Rollups | undefined {
  const text = readTextIfAny(path.join(dir, 'rollups.json'));
  if (text === undefined) return undefined;
  const value = parseJson(text) as Rollups & { readonly v: number };
  // JSON has no infinities: a day that only ever had "no data" comes back with null bounds.
  const days = value.days.map((day) => ({
    ...day,
    minimum: day.minimum ?? Number.POSITIVE_INFINITY,
    maximum: day.maximum ?? Number.NEGATIVE_INFINITY,
    firstAt: day.firstAt ?? Number.POSITIVE_INFINITY,
    lastAt: day.lastAt ?? Number.NEGATIVE_INFINITY,
  }));
  return { ...value, days };
}

function dropOldLines(dir: string, log: LineLog, firstRawDay: number, format: string): CompactReport {
  const file = path.join(dir, 'observations.jsonl');
  const temporary = `${file}.compacting`;
  const descriptor = openSync(temporary, 'w', 0o600);
  const counts = { rolledUp: 0, kept: 0 };
  try {
    writeAll(descriptor, Buffer.from(header(format, log.generation + 1)));
    let batch: string[] = [];
    const writeBatch = (): void => {
      writeAll(descriptor, Buffer.from(batch.join('')));
      batch = [];
    };
    log.scan(0, (line) => {
      const one = parseObservation(line);
      if (one === undefined) return;
      const keep = localDay(one.at, one.offsetMinutes) >= firstRawDay;
      counts[keep ? 'kept' : 'rolledUp'] += 1;
      if (keep) batch.push(`${line}\n`);
      if (batch.length >= 1000) writeBatch();
    });
    writeBatch();
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  syncFolder(dir);
  return counts;
}
