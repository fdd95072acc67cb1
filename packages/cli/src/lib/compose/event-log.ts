import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { GenieEvent } from '@genie/core/ports';

/** Where `genie events` reads. Two files of this size at most. */
const maxBytes = 4 * 1024 * 1024;
const longestText = 2_000;

export function eventLogPath(home: string): string {
  return join(home, 'events.jsonl');
}

export function olderEventLogPath(home: string): string {
  return join(home, 'events.older.jsonl');
}

export interface EventLog {
  /** Never throws: a full disk must not stop a run, the journal is what counts. */
  readonly write: (event: GenieEvent) => void;
  /** Writes what is pending. */
  close(): void;
}

/**
 * Keeps the events of a home for other processes to follow: JSON lines, deltas of texts left out, long texts cut. Events of
 * one turn are written together. The newest 4 to 8 MiB are kept.
 */
export function openEventLog(home: string): EventLog {
  const path = eventLogPath(home);
  let pending: string[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  const flush = (): void => {
    scheduled = undefined;
    const lines = pending.join('');
    pending = [];
    if (lines === '') return;
    try {
      appendFileSync(path, lines, { mode: 0o600 });
      if (statSync(path).size > maxBytes) renameSync(path, olderEventLogPath(home));
    } catch {
      // See `write`.
    }
  };
  return {
    write(event) {
      if (event.type === 'text.delta' || event.type === 'reasoning.delta') return;
      pending.push(`${JSON.stringify(event, cutTexts)}\n`);
      scheduled ??= setImmediate(flush);
    },
    close() {
      if (scheduled) clearImmediate(scheduled);
      flush();
    },
  };
}

function cutTexts(_key: string, value: unknown): unknown {
  if (typeof value === 'string' && value.length > longestText) return `${value.slice(0, longestText)}…`;
  return Array.isArray(value) && value.length > 50 ? [...value.slice(0, 50), `… ${value.length - 50} more`] : value;
}
